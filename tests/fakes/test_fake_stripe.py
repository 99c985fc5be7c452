"""The fake Stripe, asked through Stripe's own library, through dj-stripe and through plain HTTP."""

from __future__ import annotations

import http.server
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stripe
from djstripe import models as djstripe

from tests.fakes.stripe_server import FakeStripe

KEY = "sk_test_0123456789"
VERSION = "2026-05-27.dahlia"
BASIC, STANDARD, YEARLY, EXTRA = "basic_month", "standard_month", "standard_year", "extra_month"
METER = "answers"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


@pytest.fixture
def fake(server: FakeStripe) -> Iterator[FakeStripe]:
    server.make_price(BASIC, 2_900)
    server.make_price(STANDARD, 9_900)
    server.make_price(YEARLY, 99_000, "year")
    server.make_price(EXTRA, 3, meter=METER)
    yield server
    server.reset()


def library(fake: FakeStripe, key: str = KEY) -> tuple[stripe.StripeClient, stripe.RequestsClient]:
    wire = stripe.RequestsClient(timeout=5)
    made = stripe.StripeClient(
        key,
        stripe_version=VERSION,
        base_addresses={"api": fake.url},
        max_network_retries=0,
        http_client=wire,
    )
    return made, wire


@pytest.fixture
def api(fake: FakeStripe) -> Iterator[Any]:
    """Stripe's library. Untyped, so that a test can ask for what is not there."""
    made, wire = library(fake)
    yield made.v1
    wire.close()


@pytest.fixture
def customer(fake: FakeStripe) -> str:
    return fake.make_customer(email="owner@shop.example", name="A Shop")


def price(fake: FakeStripe, lookup_key: str) -> str:
    return str(fake.all("price", lookup_key=lookup_key)[0]["id"])


def open_page(fake: FakeStripe, api: Any, customer: str, **more: Any) -> Any:
    items = [{"price": price(fake, BASIC), "quantity": 1}]
    wanted = {
        "mode": "subscription",
        "customer": customer,
        "line_items": items,
        "success_url": "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/plans",
    }
    return api.checkout.sessions.create(wanted | more)


def first_item(fake: FakeStripe, sub: str) -> Any:
    return fake.find(sub)["items"]["data"][0]


def period(fake: FakeStripe, sub: str) -> tuple[datetime, datetime]:
    part = first_item(fake, sub)
    names = ("current_period_start", "current_period_end")
    start, end = (datetime.fromtimestamp(part[name], UTC) for name in names)
    return start, end


def types_of(fake: FakeStripe) -> list[str]:
    return [one["type"] for one in fake.events]


def upgrade(fake: FakeStripe, api: Any, sub: str, to: str, **more: Any) -> Any:
    change = {
        "items": [{"id": first_item(fake, sub)["id"], "price": price(fake, to)}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "error_if_incomplete",
    }
    return api.subscriptions.update(sub, change | more)


def test_a_customer_is_made_found_changed_listed_and_deleted(fake: FakeStripe, api: Any) -> None:
    made = api.customers.create({"email": "a@b.example", "metadata": {"client": "x", "old": "1"}})
    api.customers.update(made.id, {"name": "New", "metadata": {"old": ""}})
    found = api.customers.retrieve(made.id)
    assert (found.name, found.metadata.to_dict()) == ("New", {"client": "x"})
    assert found.id.startswith("cus_")
    assert [one.id for one in api.customers.list({"email": "a@b.example"}).data] == [made.id]
    api.customers.delete(made.id)
    assert api.customers.retrieve(made.id).deleted
    assert api.customers.list().data == []
    previous = fake.events_of("customer.updated")[0]["data"]["previous_attributes"]
    assert previous == {"name": None, "metadata": {"client": "x", "old": "1"}}


def test_what_is_not_there_is_missing_in_stripes_words(api: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.subscriptions.retrieve("sub_x")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.subscriptions.list({"customer": "cus_x"})
    assert (refused.value.http_status, refused.value.param) == (400, "customer")


def test_a_deleted_customer_buys_nothing(fake: FakeStripe, api: Any, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC)
    fake.delete_customer(customer)
    assert fake.find(sub)["status"] == "canceled"
    assert len(api.subscriptions.list({"customer": customer, "status": "all"}).data) == 1
    with pytest.raises(stripe.InvalidRequestError) as refused:
        open_page(fake, api, customer)
    assert refused.value.code == "resource_missing"


def test_a_customer_can_be_gone_without_a_trace(fake: FakeStripe, api: Any, customer: str) -> None:
    fake.delete_customer(customer, without_trace=True)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.subscriptions.list({"customer": customer})
    assert refused.value.code == "resource_missing"


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"emial": "x"}, "parameter_unknown", "emial"),
        ({"address": {"town": "x"}}, "parameter_unknown", "address[town]"),
        ({"balance": "much"}, "parameter_invalid_integer", "balance"),
        ({"tax_exempt": "sometimes"}, "", "tax_exempt"),
        ({"expand": ["nothing"]}, "", "expand"),
    ],
)
def test_a_wrong_parameter_is_refused(
    api: Any, params: dict[str, Any], code: str, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.customers.create(params)
    assert (refused.value.code or "", refused.value.param) == (code, param)


def test_a_missing_parameter_is_refused(api: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.prices.create({"unit_amount": 100})
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "currency")


def test_prices_are_found_by_lookup_key_with_their_products(fake: FakeStripe, api: Any) -> None:
    found = api.prices.list({"lookup_keys": [BASIC], "expand": ["data.product"]}).data
    assert [(one.unit_amount, one.product.name) for one in found] == [(2_900, BASIC)]
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        fields = {"currency": "usd", "unit_amount": 1, "lookup_key": BASIC}
        api.prices.create({**fields, "product": found[0].product.id})


def test_a_product_with_its_own_id_is_made_once(api: Any) -> None:
    api.products.create({"id": "chatbot_basic", "name": "Basic"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.products.create({"id": "chatbot_basic", "name": "Basic"})
    assert refused.value.code == "resource_already_exists"
    api.products.update("chatbot_basic", {"description": "Small", "active": False})
    assert api.products.retrieve("chatbot_basic").description == "Small"
    assert api.products.features.list("chatbot_basic").data == []


def test_lists_come_in_pages_newest_first(api: Any) -> None:
    made = [api.customers.create({"name": str(number)}).id for number in range(5)]
    page = api.customers.list({"limit": 2})
    assert [one.id for one in page.data] == [made[4], made[3]]
    assert page.has_more
    assert [one.id for one in page.auto_paging_iter()] == made[::-1]


def test_lists_are_cut_by_when_things_were_made(fake: FakeStripe, api: Any) -> None:
    old = api.customers.create({"name": "old"})
    fake.advance(days=1)
    new = api.customers.create({"name": "new"})
    late = api.customers.list({"created": {"gt": old.created}}).data
    early = api.customers.list({"created": {"lt": new.created}}).data
    assert [one.id for one in late] == [new.id]
    assert [one.id for one in early] == [old.id]


def test_a_customers_subscriptions_come_along_when_asked(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    sub = fake.make_subscription(customer, BASIC)
    found = api.customers.retrieve(customer, {"expand": ["subscriptions", "tax_ids"]})
    assert [one.id for one in found.subscriptions.data] == [sub]
    assert found.tax_ids.data == []


def test_a_subscription_whose_first_payment_fails_is_incomplete_and_expires(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    fake.card_declines(customer)
    wanted = {"customer": customer, "items": [{"price": price(fake, BASIC)}]}
    sub = api.subscriptions.create(wanted)
    assert sub.status == "incomplete"
    with pytest.raises(stripe.CardError):
        api.subscriptions.create({**wanted, "payment_behavior": "error_if_incomplete"})
    assert len(fake.subscriptions(customer)) == 1
    fake.advance(hours=24)
    assert fake.find(sub.id)["status"] == "incomplete_expired"
    assert fake.live_subscriptions(customer) == []


def test_usage_with_the_same_identifier_is_refused_within_a_day(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    payload = {"stripe_customer_id": customer, "value": "2"}
    event = {"event_name": METER, "identifier": "one", "payload": payload}
    assert api.billing.meter_events.create(event).identifier == "one"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.billing.meter_events.create(event)
    assert refused.value.param == "identifier"
    fake.name_no_duplicate_param()
    with pytest.raises(
        stripe.InvalidRequestError, match="already exists with identifier"
    ) as refused:
        api.billing.meter_events.create(event)
    assert refused.value.param is None
    fake.advance(hours=25)
    api.billing.meter_events.create(event)


def test_a_portal_and_a_webhook_are_set_up(fake: FakeStripe, api: Any, customer: str) -> None:
    features = {"subscription_cancel": {"enabled": True, "mode": "at_period_end"}}
    made = api.billing_portal.configurations.create({"features": features})
    listed = api.billing_portal.configurations.list({"active": True, "limit": 100}).data
    assert [one.id for one in listed] == [made.id]
    visit = api.billing_portal.sessions.create({"customer": customer, "configuration": made.id})
    assert visit.url.startswith(f"{fake.url}/portal/")
    wanted = {"url": "https://shop.example/hook", "enabled_events": ["invoice.paid"]}
    hook = api.webhook_endpoints.create(wanted)
    assert hook.secret == fake.webhook_secret
    api.webhook_endpoints.update(hook.id, {"disabled": True})
    assert [one.status for one in api.webhook_endpoints.list().data] == ["disabled"]
    with pytest.raises(stripe.InvalidRequestError, match="must be one of"):
        api.webhook_endpoints.create({**wanted, "enabled_events": ["invoice.payed"]})


def test_paying_on_the_page_begins_a_subscription(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    page = open_page(fake, api, customer)
    assert page.status == "open"
    shown = httpx.get(page.url).text
    assert "basic_month" in shown
    assert "Pay 29.00 USD" in shown
    assert "https://shop.example/plans" in shown
    answer = httpx.post(page.url, data={"action": "pay"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://shop.example/done?session={page.id}"
    done = api.checkout.sessions.retrieve(page.id, {"expand": ["subscription", "line_items"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert done.subscription.status == "active"
    assert done.line_items.data[0].price.id == price(fake, BASIC)
    assert [one["status"] for one in fake.invoices(customer)] == ["paid"]
    assert "all done" in httpx.get(f"{fake.url}/pay/{page.id}").text


def test_a_declined_card_leaves_the_page_open(fake: FakeStripe, api: Any, customer: str) -> None:
    page = open_page(fake, api, customer)
    assert "was declined" in httpx.post(page.url, data={"action": "decline"}).text
    fake.card_declines(customer)
    assert "was declined" in httpx.post(page.url, data={"action": "pay"}).text
    assert api.checkout.sessions.retrieve(page.id).status == "open"
    assert fake.subscriptions(customer) == []


def test_two_completed_pages_make_two_subscriptions(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    pages = [open_page(fake, api, customer).id for _ in range(2)]
    for page in pages:
        fake.complete_checkout(page)
    assert len(fake.live_subscriptions(customer)) == 2


def test_a_page_expires_when_asked_and_after_a_day(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    asked, left = (open_page(fake, api, customer).id for _ in range(2))
    api.checkout.sessions.expire(asked)
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        api.checkout.sessions.expire(asked)
    fake.advance(days=2)
    assert api.checkout.sessions.retrieve(left).status == "expired"
    assert len(fake.events_of("checkout.session.expired")) == 2


def test_a_page_refuses_what_stripe_refuses(fake: FakeStripe, api: Any, customer: str) -> None:
    metered = [{"price": price(fake, EXTRA), "quantity": 1}]
    with pytest.raises(stripe.InvalidRequestError, match="metered"):
        open_page(fake, api, customer, line_items=metered)
    with pytest.raises(stripe.InvalidRequestError, match="Tax ID collection"):
        open_page(fake, api, customer, tax_id_collection={"enabled": True})


def test_a_subscription_has_its_periods_on_its_items(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    sub = fake.make_subscription(customer, STANDARD, EXTRA)
    found = json.loads(str(api.subscriptions.retrieve(sub)))
    assert "current_period_end" not in found
    licensed, metered = found["items"]["data"]
    assert licensed["current_period_end"] > licensed["current_period_start"]
    assert licensed["quantity"] == 1
    assert "quantity" not in metered
    invoice = json.loads(str(api.invoices.list({"customer": customer}).data[0]))
    assert "subscription" not in invoice
    assert invoice["parent"]["subscription_details"]["subscription"] == sub
    assert {"_intent", "_payments"}.isdisjoint(invoice)


def test_a_month_begins_anew_on_its_own_day_also_after_a_short_one(
    fake: FakeStripe, customer: str
) -> None:
    fake.advance_to(datetime(2025, 1, 31, 12, tzinfo=UTC))
    sub = fake.make_subscription(customer, BASIC)
    ends = []
    for _ in range(3):
        ends.append(period(fake, sub)[1])
        fake.advance_to(ends[-1])
    assert [(end.month, end.day) for end in ends] == [(2, 28), (3, 31), (4, 30)]
    assert len(fake.invoices(customer)) == 4
    assert fake.find(sub)["status"] == "active"


def test_usage_is_billed_when_its_period_ends(fake: FakeStripe, api: Any, customer: str) -> None:
    fake.make_subscription(customer, STANDARD, EXTRA)
    payload = {"stripe_customer_id": customer, "value": "7"}
    api.billing.meter_events.create({"event_name": METER, "payload": payload})
    fake.advance(days=32)
    assert fake.invoices(customer)[-1]["total"] == 9_900 + 7 * 3


def test_a_failed_renewal_is_past_due_although_the_period_has_moved(
    fake: FakeStripe, customer: str
) -> None:
    sub = fake.make_subscription(customer, BASIC)
    before = period(fake, sub)
    fake.card_declines(customer)
    fake.advance_to(before[1])
    assert fake.find(sub)["status"] == "past_due"
    assert period(fake, sub)[0] == before[1]
    assert fake.invoices(customer)[-1]["status"] == "open"
    assert fake.customer(customer)["delinquent"]
    assert "invoice.payment_failed" in types_of(fake)


def test_paying_what_is_open_makes_it_active(fake: FakeStripe, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC)
    fake.card_declines(customer)
    fake.advance(days=32)
    assert len(fake.pay_open_invoice(customer)) == 1
    assert fake.find(sub)["status"] == "active"
    assert not fake.customer(customer)["delinquent"]


def test_a_subscription_put_past_due_can_be_paid(fake: FakeStripe, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC, status="past_due")
    assert [one["status"] for one in fake.invoices(customer)] == ["paid", "open"]
    fake.pay_open_invoice(customer)
    assert fake.find(sub)["status"] == "active"


def test_a_card_that_works_again_is_tried_again(fake: FakeStripe, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC)
    fake.card_declines(customer)
    fake.advance_to(period(fake, sub)[1])
    fake.card_declines(customer, False)
    fake.advance(days=4)
    assert fake.find(sub)["status"] == "active"


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("canceled", "customer.subscription.deleted"),
        ("unpaid", "customer.subscription.updated"),
    ],
)
def test_dunning_ends_as_told(fake: FakeStripe, customer: str, status: str, event: str) -> None:
    sub = fake.make_subscription(customer, BASIC, status="past_due")
    fake.end_dunning(customer, status)
    assert fake.find(sub)["status"] == status
    assert fake.events[-1]["type"] == event


def test_a_trial_warns_and_then_is_paid(fake: FakeStripe, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC, trial_days=14)
    assert fake.find(sub)["status"] == "trialing"
    fake.advance(days=12)
    assert len(fake.events_of("customer.subscription.trial_will_end")) == 1
    fake.advance(days=3)
    assert fake.find(sub)["status"] == "active"
    assert [one["total"] for one in fake.invoices(customer)] == [0, 2_900]


def test_a_cancellation_waits_for_the_periods_end(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    sub = fake.make_subscription(customer, BASIC)
    api.subscriptions.update(sub, {"cancel_at_period_end": True})
    assert fake.find(sub)["cancel_at"] == first_item(fake, sub)["current_period_end"]
    api.subscriptions.update(sub, {"cancel_at_period_end": False})
    assert fake.find(sub)["cancel_at"] is None
    api.subscriptions.update(sub, {"cancel_at_period_end": True})
    fake.advance(days=32)
    assert fake.find(sub)["status"] == "canceled"
    assert len(fake.invoices(customer)) == 1
    assert fake.events[-1]["type"] == "customer.subscription.deleted"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.subscriptions.cancel(sub)
    assert refused.value.code == "resource_missing"


def test_an_upgrade_is_billed_for_the_rest_of_the_month(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    sub = fake.make_subscription(customer, BASIC)
    start, end = period(fake, sub)
    fake.advance_to(start + (end - start) / 2)
    upgrade(fake, api, sub, STANDARD)
    made = fake.invoices(customer)[-1]
    assert made["billing_reason"] == "subscription_update"
    assert abs(made["total"] - (9_900 - 2_900) // 2) <= 2
    assert period(fake, sub) == (start, end)


def test_another_interval_begins_a_new_period(fake: FakeStripe, api: Any, customer: str) -> None:
    sub = fake.make_subscription(customer, STANDARD, EXTRA)
    fake.advance(days=1)
    extra = fake.find(sub)["items"]["data"][1]["id"]
    items = [
        {"id": first_item(fake, sub)["id"], "price": price(fake, YEARLY)},
        {"id": extra, "deleted": True, "clear_usage": True},
    ]
    upgrade(fake, api, sub, YEARLY, items=items, cancel_at_period_end=False)
    start, end = period(fake, sub)
    assert 364 < (end - start).days < 367
    assert abs((start - fake.now).total_seconds()) < 5


def test_an_upgrade_with_a_declined_card_changes_nothing(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    sub = fake.make_subscription(customer, BASIC)
    fake.card_declines(customer)
    before, events = fake.find(sub), len(fake.events)
    with pytest.raises(stripe.CardError) as refused:
        upgrade(fake, api, sub, STANDARD)
    assert (refused.value.http_status, refused.value.code) == (402, "card_declined")
    assert fake.find(sub) == before
    assert len(fake.events) == events
    assert len(fake.invoices(customer)) == 1


def test_a_preview_keeps_nothing(fake: FakeStripe, api: Any, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC)
    items = [{"id": first_item(fake, sub)["id"], "price": price(fake, STANDARD)}]
    asked = {"subscription": sub, "subscription_details": {"items": items}}
    assert api.invoices.create_preview(asked).total == 7_000
    assert api.invoices.create_preview({"subscription": sub}).total == 2_900
    assert len(fake.invoices(customer)) == 1
    assert first_item(fake, sub)["price"]["lookup_key"] == BASIC


def make_schedule(fake: FakeStripe, api: Any, sub: str) -> str:
    made = api.subscription_schedules.create({"from_subscription": sub})
    now = json.loads(str(made))["phases"][0]
    same = [{"price": one["price"], "quantity": 1} for one in now["items"]]
    after = {
        "items": [{"price": price(fake, BASIC), "quantity": 1}],
        "duration": {"interval": "month", "interval_count": 1},
        "proration_behavior": "none",
    }
    first = {"start_date": now["start_date"], "end_date": now["end_date"], "items": same}
    change = {"end_behavior": "release", "phases": [first, after]}
    api.subscription_schedules.update(made.id, change)
    return str(made.id)


def test_a_schedule_changes_the_plan_when_the_period_ends(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    sub = fake.make_subscription(customer, STANDARD)
    schedule = make_schedule(fake, api, sub)
    assert fake.find(sub)["schedule"] == schedule
    fake.advance_to(period(fake, sub)[1])
    assert first_item(fake, sub)["price"]["lookup_key"] == BASIC
    assert fake.invoices(customer)[-1]["total"] == 2_900
    fake.advance(days=32)
    assert fake.find(schedule)["status"] == "released"
    assert fake.find(sub)["schedule"] is None
    assert fake.find(sub)["status"] == "active"


def test_a_scheduled_subscription_takes_no_direct_change(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    sub = fake.make_subscription(customer, STANDARD)
    schedule = make_schedule(fake, api, sub)
    with pytest.raises(stripe.InvalidRequestError, match="cancelation behavior directly"):
        api.subscriptions.update(sub, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        upgrade(fake, api, sub, YEARLY)
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        api.subscription_schedules.create({"from_subscription": sub})
    api.subscription_schedules.release(schedule)
    assert api.subscription_schedules.retrieve(schedule).status == "released"
    api.subscriptions.update(sub, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError, match="released"):
        api.subscription_schedules.release(schedule)


def test_the_same_key_is_answered_the_same(fake: FakeStripe, api: Any) -> None:
    options = {"idempotency_key": "once"}
    first = api.customers.create({"name": "A"}, options)
    again = api.customers.create({"name": "A"}, options)
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        api.customers.create({"name": "B"}, options)
    assert len(fake.all("customer")) == 1
    fake.advance(hours=25)
    assert api.customers.create({"name": "A"}, options).id != first.id


def test_a_stored_refusal_comes_again_but_a_malformed_request_may_be_mended(
    fake: FakeStripe, api: Any, customer: str
) -> None:
    sub = fake.make_subscription(customer, BASIC)
    fake.card_declines(customer)
    item = {"id": first_item(fake, sub)["id"], "price": price(fake, STANDARD)}
    change = {"items": [item], "payment_behavior": "error_if_incomplete"}
    change["proration_behavior"] = "always_invoice"
    for declines in (True, False):
        fake.card_declines(customer, declines)
        with pytest.raises(stripe.CardError):
            api.subscriptions.update(sub, change, {"idempotency_key": "upgrade"})
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.create({"emial": "x"}, {"idempotency_key": "typo"})
    api.customers.create({"email": "x"}, {"idempotency_key": "typo"})


def test_many_at_once_with_one_key_make_one(fake: FakeStripe) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "same"}

    def create(_: int) -> str:
        answer = httpx.post(f"{fake.url}/v1/customers", headers=headers, data={"name": "A"})
        return str(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(16)))) == 1


def test_a_key_in_use_is_a_conflict(fake: FakeStripe) -> None:
    fake.delay(0.5, times=1)
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "slow"}
    url = f"{fake.url}/v1/customers"
    slow = threading.Thread(target=httpx.post, args=(url,), kwargs={"headers": headers})
    slow.start()
    fake.wait_until(lambda: len(fake.requests) == 1)
    answer = httpx.post(url, headers=headers)
    slow.join()
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "idempotency_key_in_use"


def test_a_wrong_key_is_refused_and_a_restricted_one_may_not_do_all(
    fake: FakeStripe, api: Any
) -> None:
    assert api.accounts.retrieve_current().id.startswith("acct_")
    fake.forbid("/v1/account", key=KEY)
    with pytest.raises(stripe.PermissionError):
        api.accounts.retrieve_current()
    fake.keys.add("sk_test_another_one")
    with pytest.raises(stripe.AuthenticationError):
        api.customers.list()
    assert [one.status for one in fake.requests] == [200, 403, 401]


def test_failures_come_as_often_as_they_were_asked_for(fake: FakeStripe, api: Any) -> None:
    fake.fail(503, times=2, path="/v1/customers")
    fake.fail(429, method="GET")
    api.products.create({"name": "Elsewhere"})
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            api.customers.create({"name": "A"})
    with pytest.raises(stripe.RateLimitError):
        api.customers.list()
    assert api.customers.list().data == []


def test_an_answer_can_be_lost_after_the_work_was_done(fake: FakeStripe, api: Any) -> None:
    fake.drop(after=True)
    options = {"idempotency_key": "lost"}
    with pytest.raises(stripe.APIConnectionError):
        api.customers.create({"name": "A"}, options)
    assert len(fake.all("customer")) == 1
    assert api.customers.create({"name": "A"}, options).id == fake.all("customer")[0]["id"]


def test_a_slow_or_silent_stripe_can_be_had(fake: FakeStripe, api: Any) -> None:
    fake.delay(0.2, times=1)
    start = time.monotonic()
    api.customers.list()
    assert time.monotonic() - start > 0.2
    fake.hang()
    headers = {"Authorization": f"Bearer {KEY}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{fake.url}/v1/customers", headers=headers, timeout=0.1)
    fake.behave()
    api.customers.list()


def test_reads_can_lag_behind_what_was_done(fake: FakeStripe, api: Any, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC)
    fake.lag(reads=2, path="/v1/subscriptions")
    fake.set_status(sub, "past_due")
    seen = [api.subscriptions.retrieve(sub).status for _ in range(3)]
    assert seen == ["active", "active", "past_due"]
    fake.lag(seconds=0.2)
    fake.set_status(sub, "active")
    assert api.subscriptions.retrieve(sub).status == "past_due"
    fake.wait_until(lambda: api.subscriptions.retrieve(sub).status == "active")


def test_requests_are_noted_without_their_key(fake: FakeStripe, api: Any) -> None:
    api.customers.create({"metadata": {"a": "b"}}, {"idempotency_key": "noted"})
    (seen,) = fake.requests
    assert (seen.method, seen.path, seen.status) == ("POST", "/v1/customers", 200)
    assert seen.params == {"metadata": {"a": "b"}}
    assert (seen.idempotency_key, seen.version) == ("noted", VERSION)
    assert KEY not in str(seen)
    assert seen.key.endswith(KEY[-4:])


def test_an_address_that_stripe_does_not_have_is_not_found(fake: FakeStripe) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = httpx.get(f"{fake.url}/v1/nonsense", headers=headers)
    assert answer.status_code == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]


class Hook(http.server.BaseHTTPRequestHandler):
    """A webhook that believes what Stripe's own library believes."""

    seen: list[Any] = []
    refusing = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            event = stripe.Webhook.construct_event(
                body, self.headers["Stripe-Signature"], "whsec_test"
            )
            self.seen.append(json.loads(str(event)))
            status = 500 if Hook.refusing else 200
        except stripe.SignatureVerificationError:
            status = 400
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook(fake: FakeStripe) -> Iterator[type[Hook]]:
    Hook.seen.clear()
    Hook.refusing = False
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        fake.webhook_url = f"http://127.0.0.1:{server.server_address[1]}/"
        fake.webhook_secret = "whsec_test"
        yield Hook
        server.shutdown()
        thread.join()


def test_an_event_is_signed_and_shows_its_object_as_it_was(
    fake: FakeStripe, customer: str, hook: type[Hook]
) -> None:
    sub = fake.make_subscription(customer, BASIC)
    made = fake.events_of("customer.subscription.created")[0]
    fake.set_status(sub, "past_due")
    assert fake.deliver(made, times=2) == 200
    assert [one["id"] for one in hook.seen] == [made["id"]] * 2
    assert hook.seen[0]["data"]["object"]["status"] == "incomplete"


def test_a_forged_or_old_event_is_sent_when_asked(
    fake: FakeStripe, customer: str, hook: type[Hook]
) -> None:
    made = fake.events[-1]
    assert fake.deliver(made, secret="whsec_other") == 400
    assert fake.deliver(made, at=time.time() - 3_600) == 400
    assert hook.seen == []


def test_a_moved_clock_does_not_make_signatures_old(
    fake: FakeStripe, customer: str, hook: type[Hook]
) -> None:
    fake.make_subscription(customer, BASIC)
    fake.advance(days=400)
    assert fake.deliver(fake.events[-1]) == 200
    assert hook.seen[0]["created"] > time.time() + 300 * 86_400


def test_pending_events_come_in_any_order_twice_or_never(
    fake: FakeStripe, customer: str, hook: type[Hook]
) -> None:
    fake.make_subscription(customer, BASIC)
    made = [one["id"] for one in fake.events]
    fake.deliver_pending(shuffle=random.Random(1), double=0.3, drop=0.2, workers=8)
    got = [one["id"] for one in hook.seen]
    assert len(set(got)) < len(got)
    assert set(got) < set(made)
    assert [one for one in made if one in got] != list(dict.fromkeys(got))
    assert fake.pending() == []


def test_what_a_webhook_refuses_stays_pending(
    fake: FakeStripe, customer: str, hook: type[Hook]
) -> None:
    hook.refusing = True
    assert {one.status for one in fake.deliver_pending()} == {500}
    hook.refusing = False
    before = fake.pending()
    assert len(fake.deliver_pending()) == len(before) > 0
    assert fake.pending() == []


def test_events_can_go_out_by_themselves(fake: FakeStripe, api: Any, hook: type[Hook]) -> None:
    fake.deliver_automatically(only={"customer.created"})
    api.customers.create({"name": "A"})
    api.products.create({"name": "Not asked for"})
    fake.wait_until(lambda: len(fake.deliveries) == 1)
    assert [one["type"] for one in hook.seen] == ["customer.created"]
    assert hook.seen[0]["request"]["id"] == fake.requests[0].id


def test_nobody_there_is_status_nought(fake: FakeStripe, customer: str) -> None:
    fake.webhook_url = "http://127.0.0.1:9/"
    assert fake.deliver(fake.events[-1]) == 0


def test_the_portal_pays_and_cancels(fake: FakeStripe, api: Any, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC)
    fake.card_declines(customer)
    fake.advance(days=32)
    features = {"subscription_cancel": {"enabled": True, "mode": "at_period_end"}}
    api.billing_portal.configurations.create({"features": features})
    visit = {"customer": customer, "return_url": "https://shop.example/billing"}
    url = api.billing_portal.sessions.create(visit).url
    assert "https://shop.example/billing" in httpx.get(url).text
    assert "Pay the open invoice" in httpx.get(url).text
    assert "Pay the open invoice" not in httpx.post(url, data={"action": "pay"}).text
    assert fake.find(sub)["status"] == "active"
    httpx.post(url, data={"action": "cancel"})
    assert fake.find(sub)["cancel_at_period_end"]


def test_an_invoice_has_a_page_to_pay_it_on(fake: FakeStripe, customer: str) -> None:
    sub = fake.make_subscription(customer, BASIC)
    fake.card_declines(customer)
    fake.advance(days=32)
    url = fake.invoices(customer)[-1]["hosted_invoice_url"]
    assert "Pay 29.00 USD" in httpx.get(url).text
    httpx.post(url, data={"action": "pay"})
    assert fake.find(sub)["status"] == "active"


def test_dj_stripe_keeps_everything(
    db: None, fake: FakeStripe, api: Any, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = stripe.RequestsClient(timeout=5)
    monkeypatch.setattr(stripe, "api_base", fake.url)
    monkeypatch.setattr(stripe, "default_http_client", wire)
    sub = fake.make_subscription(customer, STANDARD, EXTRA)
    fake.advance(days=40)
    fake.set_status(sub, "past_due")
    kept = djstripe.Subscription.sync_from_stripe_data(api.subscriptions.retrieve(sub), api_key=KEY)
    assert kept.status == "past_due"
    assert kept.items.count() == 2
    for invoice in api.invoices.list({"customer": customer}).data:
        djstripe.Invoice.sync_from_stripe_data(invoice, api_key=KEY)
    assert djstripe.Invoice.objects.filter(customer__id=customer).count() == 3
    assert djstripe.LineItem.objects.count() == 7
    assert djstripe.Price.objects.count() == 2
    assert djstripe.Product.objects.count() == 2
    page = open_page(fake, api, customer)
    fake.complete_checkout(page.id)
    djstripe.Session.sync_from_stripe_data(api.checkout.sessions.retrieve(page.id), api_key=KEY)
    wire.close()


def test_a_reset_forgets_all_but_what_it_is_told_to_keep(fake: FakeStripe, customer: str) -> None:
    fake.make_subscription(customer, BASIC)
    fake.reset(keep_catalogue=True)
    assert fake.all("customer") == []
    assert fake.events == []
    assert fake.all("price", lookup_key=BASIC)
    fake.reset()
    assert fake.all("price") == []


def test_a_fake_ends_at_once_whatever_hangs() -> None:
    with FakeStripe() as fake:
        fake.hang()
        headers = {"Authorization": f"Bearer {KEY}"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{fake.url}/v1/customers", headers=headers, timeout=0.1)
        start = time.monotonic()
    assert time.monotonic() - start < 2


def test_it_runs_as_a_process() -> None:
    command = [sys.executable, "-m", "tests.fakes.stripe_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = httpx.get(f"{url}/v1/customers", headers={"Authorization": f"Bearer {KEY}"})
        process.terminate()
    assert answer.json()["data"] == []
    assert process.returncode == 0
