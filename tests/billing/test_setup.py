"""manage.py billing_setup: what it makes at Stripe, and that it can be run again."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from billing import catalogue
from billing.models import StripeObject
from billing.plans import PAID, STANDARD, Interval
from billing.webhook import HANDLED
from tests.fakes.stripe_server import FakeStripe


def setup(*options: str) -> str:
    out = io.StringIO()
    call_command("billing_setup", *options, stdout=out)
    return out.getvalue()


def changed(fake: FakeStripe) -> list[str]:
    return [one.path for one in fake.requests if one.method == "POST"]


def test_it_makes_everything_and_tells_the_webhooks_secret(unsold: FakeStripe, db: None) -> None:
    said = setup()
    prices = {one["lookup_key"]: one for one in unsold.all("price")}
    for plan in PAID:
        for interval in Interval:
            made = prices.pop(plan.lookup_key(interval))
            assert made["unit_amount"] == plan.price(interval) * 100
            assert made["recurring"]["interval"] == interval
            assert catalogue.price_id(plan, interval) == made["id"]
            if plan.overage_cents is not None:
                more = prices.pop(plan.overage_lookup_key(interval))
                assert more["recurring"]["usage_type"] == "metered"
                assert more["unit_amount"] == plan.overage_cents
    assert not prices
    (endpoint,) = unsold.all("webhook_endpoint")
    assert endpoint["url"] == "http://localhost:8000/api/webhooks/stripe"
    assert set(endpoint["enabled_events"]) == HANDLED
    assert endpoint["api_version"] == "2026-05-27.dahlia"
    assert "Set STRIPE_WEBHOOK_SECRET=whsec_" in said
    (portal,) = unsold.all("billing_portal.configuration")
    assert not portal["features"]["subscription_update"]["enabled"]


def test_a_dry_run_says_all_and_makes_nothing(unsold: FakeStripe, db: None) -> None:
    said = setup("--dry-run").splitlines()
    assert not changed(unsold)
    assert not StripeObject.objects.exists()
    real = setup().splitlines()
    assert [f"would {line}" for line in real if line.startswith("make")] == [
        line for line in said if line.startswith("would")
    ]


def test_a_second_run_changes_nothing(unsold: FakeStripe, db: None) -> None:
    setup()
    before = len(changed(unsold))
    kept = set(StripeObject.objects.values_list("name", "stripe_id"))
    said = setup()
    assert len(changed(unsold)) == before
    assert "Everything is there." in said
    assert set(StripeObject.objects.values_list("name", "stripe_id")) == kept


def test_after_a_lost_database_it_finds_what_is_there(unsold: FakeStripe, db: None) -> None:
    setup()
    before = len(changed(unsold))
    StripeObject.objects.all().delete()
    setup()
    assert len(changed(unsold)) == before
    assert catalogue.price_id(STANDARD, Interval.YEAR)


def test_it_mends_a_webhook_that_misses_events(unsold: FakeStripe, db: None) -> None:
    setup()
    (endpoint,) = unsold.all("webhook_endpoint")
    stripe = f"/v1/webhook_endpoints/{endpoint['id']}"
    with unsold._store.lock:
        unsold._store.get("webhook_endpoint", endpoint["id"])["enabled_events"] = ["invoice.paid"]
    assert "change webhook" in setup()
    assert stripe in changed(unsold)
    (mended,) = unsold.all("webhook_endpoint")
    assert set(mended["enabled_events"]) == HANDLED


def test_a_wrong_price_is_told_and_left_alone(unsold: FakeStripe, db: None) -> None:
    unsold.make_price(STANDARD.lookup_key(Interval.MONTH), 1)
    assert "WRONG: price chatbot_standard_month_99" in setup()


def test_without_a_key_it_says_what_is_missing(db: None, settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(CommandError, match="Set STRIPE_SECRET_KEY first"):
        setup()


def test_a_refused_key_is_told_without_showing_it(unsold: FakeStripe, db: None) -> None:
    unsold.keys.add("sk_test_other")
    with pytest.raises(CommandError, match="AuthenticationError") as caught:
        setup()
    assert "sk_test" not in str(caught.value)
