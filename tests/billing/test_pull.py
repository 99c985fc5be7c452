"""Looking at Stripe: what is written down, what is thrown away, and what is told to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.db import transaction
from django.utils import timezone
from djstripe.models import APIKey, Invoice, Subscription
from djstripe.models import Customer as StripeCustomer

from accounts.models import Client, OutboxEmail, User
from billing import holds, mirror, stripe_api, sync, tasks
from billing.apps import STRIPE_SECONDS
from billing.models import BillingState, Checkout, SyncRequest
from billing.plans import BASIC, PREMIUM, STANDARD, Interval
from billing.pull import pull
from billing.standing import Standing
from billing.stripe_api import StripeUnavailable
from tests.billing.conftest import KEY, Payer


def look(payer: Payer) -> Standing:
    pull(payer.client)
    return payer.standing()


def test_what_was_bought_is_written_down(payer: Payer) -> None:
    payer.subscribe(PREMIUM, Interval.YEAR)
    state = payer.state
    assert (state.status, state.plan, state.interval) == ("active", "premium", "year")
    assert (state.amount_cents, state.subscription_id) == (299_000, payer.subscription)
    assert state.period_end is not None
    assert state.period_end - payer.fake.now > timedelta(days=364)
    assert payer.client.is_active


@pytest.mark.parametrize(
    ("status", "standing", "is_active"),
    [
        ("active", Standing.ACTIVE, True),
        ("trialing", Standing.ACTIVE, True),
        ("past_due", Standing.GRACE, True),
        ("unpaid", Standing.UNPAID, False),
        ("paused", Standing.PAUSED, False),
        ("canceled", Standing.ENDED, False),
        ("incomplete", Standing.TRIAL, True),
        ("incomplete_expired", Standing.TRIAL, True),
    ],
)
def test_each_word_of_stripes_has_its_standing(
    payer: Payer, status: str, standing: Standing, is_active: bool
) -> None:
    name = STANDARD.lookup_key(Interval.MONTH)
    payer.fake.make_subscription(payer.customer, name, status=status)
    assert look(payer) == standing
    assert payer.client.is_active == is_active
    assert (payer.state.plan == STANDARD.key) == (not status.startswith("incomplete"))


def test_grace_begins_once_and_a_payment_ends_it(payer: Payer) -> None:
    payer.subscribe()
    payer.fake.card_declines(payer.customer)
    payer.fake.advance(days=32)
    assert look(payer) == Standing.GRACE
    began = payer.state.past_due_since
    BillingState.objects.update(past_due_since=timezone.now() - timedelta(days=6))
    began = payer.state.past_due_since
    assert look(payer) == Standing.GRACE
    assert payer.state.past_due_since == began, "more events about it begin none anew"
    BillingState.objects.update(past_due_since=timezone.now() - timedelta(days=7))
    assert look(payer) == Standing.GRACE_OVER
    assert not payer.client.is_active
    payer.fake.card_declines(payer.customer, False)
    payer.fake.pay_open_invoice(payer.customer)
    assert look(payer) == Standing.ACTIVE
    assert payer.state.past_due_since is None


def test_a_failed_renewal_has_a_period_that_moved_on_and_gives_no_access(payer: Payer) -> None:
    """At a failed renewal the period's end lies a month ahead: it must not count."""
    payer.subscribe()
    payer.fake.card_declines(payer.customer)
    payer.fake.advance(days=32)
    look(payer)
    state = payer.state
    assert state.period_end is not None
    assert state.period_end > payer.fake.now
    BillingState.objects.update(past_due_since=timezone.now() - timedelta(days=8))
    tasks.look_at_clocks()
    assert payer.standing() == Standing.GRACE_OVER


def test_the_end_of_dunning_is_what_stripe_says(payer: Payer) -> None:
    payer.subscribe()
    payer.fake.card_declines(payer.customer)
    payer.fake.advance(days=32)
    payer.fake.end_dunning(payer.customer, "unpaid")
    assert look(payer) == Standing.UNPAID
    payer.fake.set_status(payer.subscription, "canceled")
    assert look(payer) == Standing.ENDED


def test_an_answer_that_was_overtaken_is_thrown_away(payer: Payer) -> None:
    """A slow look that saw "active" ends after a quick one that saw "canceled"."""
    payer.subscribe()
    subscription = payer.subscription
    slow: list[Any] = []
    real_begin = BillingState.objects.filter(client=payer.world.client)

    import billing.pull as module  # noqa: PLC0415

    asked = module._ask

    def ask_slowly(customer: str, checkout: str) -> Any:
        found = asked(customer, checkout)
        if not slow:
            slow.append(found)
            payer.fake.set_status(subscription, "canceled")
            assert pull(payer.client) is not None
        return found

    module._ask = ask_slowly
    try:
        assert pull(payer.client) is None
    finally:
        module._ask = asked
    assert real_begin.get().status == "canceled"
    assert payer.standing() == Standing.ENDED


def test_two_subscriptions_count_as_the_better_one_and_our_staff_are_told_once(
    payer: Payer,
) -> None:
    User.objects.create_superuser("helper@staff.example", "a long password")
    payer.subscribe(BASIC)
    second = PREMIUM.lookup_key(Interval.MONTH)
    payer.fake.make_subscription(payer.customer, second)
    for _ in range(3):
        look(payer)
    assert "2 subscriptions at once" in payer.state.alert
    mails = OutboxEmail.objects.filter(recipient="helper@staff.example")
    assert [mail.subject for mail in mails] == [
        "Billing of marigold GmbH: 2 subscriptions at once: the client pays twice."
    ]
    late = payer.fake.live_subscriptions(payer.customer)[1]["id"]
    payer.fake.set_status(late, "past_due")
    assert look(payer) == Standing.ACTIVE
    assert payer.state.plan == BASIC.key


def test_an_unknown_price_is_the_smallest_plan_and_an_alert(payer: Payer) -> None:
    User.objects.create_superuser("helper@staff.example", "a long password")
    payer.fake.make_price("made_by_hand", 100_000)
    payer.fake.make_subscription(payer.customer, "made_by_hand")
    assert look(payer) == Standing.ACTIVE
    assert (payer.state.plan, payer.state.amount_cents) == (BASIC.key, 100_000)
    assert "not in our table" in payer.state.alert
    assert OutboxEmail.objects.filter(recipient="helper@staff.example").count() == 1


def test_a_customer_who_is_deleted_at_stripe_has_ended(payer: Payer) -> None:
    payer.subscribe()
    payer.fake.delete_customer(payer.customer)
    assert look(payer) == Standing.ENDED
    assert payer.state.stripe_customer_id is None
    assert payer.client.dashboard == Client.Dashboard.BILLING


def test_a_second_customer_on_a_client_is_nobody_of_ours(payer: Payer) -> None:
    payer.subscribe()
    other = payer.fake.make_customer(metadata={"client": payer.client.public_id})
    payer.fake.make_subscription(other, PREMIUM.lookup_key(Interval.MONTH))
    request = SyncRequest.objects.create(
        reason="customer.subscription.created",
        customer_id=other,
        created_at=timezone.now(),
        not_before=timezone.now(),
    )
    sync.run(request)
    request.refresh_from_db()
    assert request.error == "unknown customer"
    look(payer)
    assert payer.state.plan == STANDARD.key


def test_whom_stripe_does_not_know_loses_nothing_and_our_staff_are_told(payer: Payer) -> None:
    """As with the key of another account, or of the other mode."""
    User.objects.create_superuser("helper@staff.example", "a long password")
    payer.subscribe()
    payer.fake.delete_customer(payer.customer, without_trace=True)
    for _ in range(2):
        request = waiting(payer)
        sync.run(request)
    request.refresh_from_db()
    assert request.done_at is None
    assert (payer.standing(), payer.state.stripe_customer_id) == (Standing.ACTIVE, payer.customer)
    assert payer.client.is_active
    assert "does not know its customer" in payer.state.alert
    assert OutboxEmail.objects.filter(recipient="helper@staff.example").count() == 1


def test_a_payment_page_or_schedule_that_is_gone_changes_nothing_else(payer: Payer) -> None:
    payer.subscribe()
    Checkout.objects.create(
        client=payer.client, plan="basic", interval="month", session_id="cs_test_gone"
    )
    assert look(payer) == Standing.ACTIVE
    assert payer.state.stripe_customer_id == payer.customer


def test_who_ended_and_tries_again_in_vain_is_not_told_twice_that_it_ended(payer: Payer) -> None:
    payer.subscribe()
    payer.fake.set_status(payer.subscription, "canceled")
    look(payer)
    name = STANDARD.lookup_key(Interval.MONTH)
    payer.fake.make_subscription(payer.customer, name, status="incomplete")
    assert look(payer) == Standing.ENDED
    assert payer.state.subscription_id == payer.subscription
    assert [one.subject for one in OutboxEmail.objects.all()] == [
        "The subscription of marigold GmbH has ended"
    ]


def test_a_hold_during_grace_neither_begins_it_anew_nor_mails_again(payer: Payer) -> None:
    payer.subscribe()
    payer.fake.card_declines(payer.customer)
    payer.fake.advance(days=32)
    look(payer)
    began = payer.state.past_due_since
    holds.suspend(payer.client, actor="support", reason="Sends spam")
    assert look(payer) == Standing.SUSPENDED
    holds.resume(payer.client, actor="support")
    assert look(payer) == Standing.GRACE
    assert payer.state.past_due_since == began
    assert OutboxEmail.objects.count() == 1


def test_stripe_is_never_asked_inside_a_transaction(payer: Payer) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        pull(payer.client)


def test_a_stripe_that_hangs_is_given_up_in_time(
    payer: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = stripe.RequestsClient(timeout=0.3)
    hasty = stripe.StripeClient(
        KEY, base_addresses={"api": payer.fake.url}, http_client=patient, max_network_retries=0
    )
    assert stripe_api.client()._requestor._client._timeout == STRIPE_SECONDS  # type: ignore[union-attr]
    monkeypatch.setattr(stripe_api, "client", lambda: hasty)
    payer.fake.hang()
    with pytest.raises(StripeUnavailable):
        pull(payer.client)
    payer.fake.behave()
    payer.fake.release()


def test_a_request_that_fails_for_days_keeps_nobody_else_waiting(payer: Payer) -> None:
    stuck = SyncRequest.objects.create(
        reason="stuck",
        customer_id="cus_stuck",
        created_at=timezone.now() - timedelta(days=3),
        not_before=timezone.now() - timedelta(days=1),
        attempts=200,
    )
    mine = waiting(payer)
    assert set(sync.due(timezone.now())) == {stuck.pk, mine.pk}
    assert sync.due(timezone.now()) == [], "those under way are at the end of the line"
    payer.fake.fail(500, times=None)
    mine.attempts = 200
    mine.save(update_fields=["attempts"])
    sync.run(mine)
    mine.refresh_from_db()
    assert mine.not_before - timezone.now() <= timedelta(hours=1)


@pytest.mark.parametrize("go_wrong", ["fail", "drop", "forbid"])
def test_while_stripe_does_not_answer_everything_stays_as_it_is(
    payer: Payer, go_wrong: str
) -> None:
    payer.subscribe()
    if go_wrong == "forbid":
        payer.fake.forbid("/v1/subscriptions")
    else:
        getattr(payer.fake, go_wrong)(times=None)
    with pytest.raises(StripeUnavailable):
        pull(payer.client)
    assert payer.standing() == Standing.ACTIVE
    assert payer.client.is_active


def waiting(payer: Payer, **fields: Any) -> SyncRequest:
    now = timezone.now() - timedelta(seconds=1)
    fields = {"created_at": now, "not_before": now, "reason": "test"} | fields
    return SyncRequest.objects.create(customer_id=payer.customer, **fields)


def sweep() -> None:
    """What the sweep wakes workers for, done here."""
    for request_id in sync.due(timezone.now()):
        tasks.sync_request(request_id)


def test_a_request_stays_open_until_stripe_answers(payer: Payer) -> None:
    payer.subscribe()
    request = waiting(payer)
    payer.fake.fail(500, times=None)
    sync.run(request)
    request.refresh_from_db()
    assert (request.done_at, request.attempts, request.error) == (None, 1, "StripeUnavailable")
    assert request.not_before > timezone.now()
    payer.fake.behave()
    SyncRequest.objects.update(not_before=timezone.now())
    sweep()
    request.refresh_from_db()
    assert request.done_at is not None


def test_waits_grow_and_have_an_end(payer: Payer) -> None:
    request = waiting(payer, attempts=30)
    payer.fake.fail(500, times=None)
    sync.run(request)
    request.refresh_from_db()
    wait = request.not_before - timezone.now()
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


def test_a_burst_of_requests_is_one_look(payer: Payer) -> None:
    payer.subscribe()
    requests = [waiting(payer) for _ in range(20)]
    before = len(payer.fake.requests)
    sweep()
    assert not SyncRequest.objects.open().exists()
    lists = [one for one in payer.fake.requests[before:] if one.path == "/v1/subscriptions"]
    assert len(lists) == 1
    assert len(requests) == 20


def test_an_answer_that_lags_behind_its_event_is_asked_again(payer: Payer) -> None:
    payer.subscribe()
    payer.fake.lag(reads=3)
    payer.fake.set_status(payer.subscription, "canceled")
    request = waiting(payer, expects={"id": payer.subscription, "status": "canceled"})
    sync.run(request)
    request.refresh_from_db()
    assert (request.error, request.done_at) == ("lagging", None)
    assert payer.standing() == Standing.ACTIVE
    payer.fake.behave()
    sync.run(request)
    request.refresh_from_db()
    assert request.done_at is not None
    assert payer.standing() == Standing.ENDED


def test_an_event_older_than_the_answer_is_not_asked_for_ever(payer: Payer) -> None:
    payer.subscribe()
    request = waiting(payer, expects={"id": payer.subscription, "status": "incomplete"})
    for _ in range(sync.MOST_LAGS + 1):
        request.refresh_from_db()
        sync.run(request)
    request.refresh_from_db()
    assert request.done_at is not None


def test_every_night_all_customers_are_looked_at(payer: Payer) -> None:
    payer.subscribe()
    payer.fake.set_status(payer.subscription, "canceled")  # and the event is lost
    tasks.look_at_everything()
    (request,) = SyncRequest.objects.open()
    tasks.sync_request(request.pk)
    assert payer.standing() == Standing.ENDED


def test_pages_and_people_find_invoices_and_subscriptions_in_dj_stripes_tables(
    payer: Payer,
) -> None:
    payer.subscribe()
    sync.run(waiting(payer))
    assert Subscription.objects.get().id == payer.subscription
    assert Invoice.objects.get().customer.id == payer.customer
    page = payer.owner.get("/app/billing/").content.decode()
    (bill,) = payer.fake.invoices(payer.customer)
    assert bill["number"] in page
    assert "99.00 USD" in page
    assert bill["hosted_invoice_url"] in page
    assert bill["invoice_pdf"] in page


def test_what_has_not_changed_is_not_saved_again(payer: Payer) -> None:
    payer.subscribe()
    sync.run(waiting(payer))
    before = len(payer.fake.requests)
    sync.run(waiting(payer))
    paths = {one.path.split("/")[2] for one in payer.fake.requests[before:]}
    assert paths <= {"customers", "subscriptions", "invoices"}
    assert len(payer.fake.requests) - before == 3


def test_what_dj_stripe_cannot_keep_changes_nothing_else(payer: Payer) -> None:
    payer.subscribe()
    broken = {"id": "in_1", "object": "invoice"}
    mirror.keep([], [broken])
    assert not Invoice.objects.exists()


def test_no_key_of_ours_is_kept_by_dj_stripe_also_after_it_was_replaced(
    payer: Payer, settings
) -> None:
    payer.subscribe()
    sync.run(waiting(payer))
    settings.STRIPE_SECRET_KEY = settings.STRIPE_TEST_SECRET_KEY = "sk_test_replaced"
    payer.fake.keys.add("sk_test_replaced")
    payer.fake.advance(days=32)
    sync.run(waiting(payer))
    assert Invoice.objects.count() == 2
    assert not APIKey.objects.filter(secret__contains=KEY).exists()
    assert not APIKey.objects.exists()


def test_a_restricted_key_that_may_not_read_accounts_is_enough(payer: Payer) -> None:
    payer.fake.forbid("/v1/account")
    payer.subscribe()
    sync.run(waiting(payer))
    assert Invoice.objects.exists()
    assert not [one for one in payer.fake.requests if one.path.startswith("/v1/account")]


def test_forgetting_a_customer_leaves_nothing_in_dj_stripes_tables(payer: Payer) -> None:
    payer.subscribe()
    sync.run(waiting(payer))
    mirror.forget(payer.customer)
    for model in (Invoice, Subscription, StripeCustomer):
        assert not model.objects.exists()
