"""What ends by itself, and for whom the installation begins or stops to take payments."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Client, OutboxEmail
from billing import quota, tasks
from billing.models import BillingState, Kind, SyncRequest
from billing.plans import DEMO, TRIAL, TRIAL_DAYS
from billing.reconcile import reconcile
from billing.standing import Standing
from billing.sync import KEPT
from tests.billing.buying import buy
from tests.billing.conftest import Payer
from tests.everything import Everything


def standing(client: Client) -> Standing:
    return Standing(BillingState.objects.get(client=client).standing)


def test_a_company_begins_its_trial_when_it_comes_and_has_one_only(
    selling: None, acme: Client
) -> None:
    ends = reconcile(acme).trial_ends_at
    assert ends is not None
    assert timedelta(days=TRIAL_DAYS - 1) < ends - timezone.now() <= timedelta(days=TRIAL_DAYS)
    assert reconcile(acme, timezone.now() + timedelta(days=5)).trial_ends_at == ends
    BillingState.objects.update(status="canceled", ever_paid=True)
    assert reconcile(acme).standing == Standing.ENDED
    assert reconcile(acme).trial_ends_at == ends


def test_a_trial_that_is_over_stops_and_says_so(selling: None, marigold: Everything) -> None:
    BillingState.objects.create(client=marigold.client, trial_ends_at=timezone.now())
    tasks.look_at_clocks()
    assert standing(marigold.client) == Standing.TRIAL_OVER
    marigold.client.refresh_from_db()
    assert not marigold.client.is_active
    assert marigold.client.dashboard == Client.Dashboard.BILLING
    assert [mail.subject for mail in OutboxEmail.objects.all()] == [
        "Your trial of Chatbot SaaS is over"
    ]


def test_who_was_there_before_payments_begins_a_trial_when_they_come(
    acme: Client, settings
) -> None:
    other = Client.objects.create(name="Without a billing row")
    assert reconcile(acme).standing == Standing.DEMO
    settings.STRIPE_SECRET_KEY = "sk_test_first"
    tasks.look_at_clocks()
    assert {standing(acme), standing(other)} == {Standing.TRIAL}


def test_when_payments_are_switched_off_everybody_is_let_in_again(
    selling: None, acme: Client, settings
) -> None:
    buy(acme, status="canceled")
    assert reconcile(acme).standing == Standing.ENDED
    settings.STRIPE_SECRET_KEY = ""
    tasks.look_at_clocks()
    acme.refresh_from_db()
    assert (standing(acme), acme.is_active) == (Standing.DEMO, True)


def test_a_forgotten_trial_at_stripe_ends_too(selling: None, acme: Client) -> None:
    ended = timezone.now() - timedelta(hours=49)
    buy(acme, status="trialing", period_end=ended)
    tasks.look_at_clocks()
    assert standing(acme) == Standing.STALE_TRIAL


def test_without_payments_nothing_is_asked_and_nothing_is_counted(acme: Client) -> None:
    BillingState.objects.create(client=acme, stripe_customer_id="cus_1")
    tasks.look_at_everything()
    tasks.sweep_requests()
    tasks.note_revenue()
    tasks.report_overage()
    assert not SyncRequest.objects.exists()


def test_old_requests_are_forgotten_open_ones_never(payer: Payer) -> None:
    long_ago = timezone.now() - KEPT - timedelta(days=1)
    fields = {"reason": "old", "created_at": long_ago, "not_before": long_ago}
    SyncRequest.objects.create(done_at=long_ago, **fields)
    SyncRequest.objects.create(**fields)
    tasks.look_at_everything()
    assert SyncRequest.objects.filter(reason="old").count() == 1


@pytest.mark.parametrize("path", ["/app/billing/", "/app/"])
def test_without_a_key_everything_works_and_the_page_says_what_to_set(
    owner: Browser, marigold: Everything, path: str
) -> None:
    page = owner.get(path).content.decode()
    assert "The trial ends" not in page
    if path == "/app/billing/":
        assert f"Your plan: {DEMO.name}" in page
        for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "billing_setup"):
            assert name in page
        assert "Choose" not in page
        assert TRIAL.name in page


def test_the_billing_page_shows_what_is_used_as_meters_per_day_and_as_a_table(
    payer: Payer,
) -> None:
    payer.subscribe()
    quota.add(payer.client, Kind.ANSWERS, 4_100)
    page = payer.owner.get("/app/billing/").content.decode()
    for words in ("4,100 of 5,000", "1 of 3", "4 of 10", "2 of 2,000"):
        assert words in page
    assert re.search(r'low="80" high="99" optimum="0"\s+value="82"', page)
    today = timezone.now().date()
    assert f"{today.day} {today:%b}: 4100 answers" in page
    assert "<td>4,100</td>" in page


def test_a_billing_page_asks_few_queries_however_much_there_is(
    payer: Payer, django_assert_max_num_queries
) -> None:
    payer.subscribe()
    payer.owner.get("/app/billing/")  # the first look notes the session
    with django_assert_max_num_queries(12):
        assert payer.owner.get("/app/billing/").status_code == 200
