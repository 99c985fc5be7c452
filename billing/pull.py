"""Look at Stripe and write down what it says about one client's subscriptions.

No lock and no transaction is held while Stripe is awaited. Instead each pull takes a number before
it asks, and only the pull that began last may write what it found: an answer that was overtaken
by a later question is thrown away, so an older state never replaces a newer one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe as stripe_library
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client
from billing import mirror, notices, stripe_api
from billing.models import BillingState, Checkout
from billing.plans import Plan
from billing.reconcile import locked_state, reconcile
from billing.stripe_api import Refused
from billing.subscriptions import Subscription, best, id_of, next_phase, read

logger = logging.getLogger(__name__)

MOST_SUBSCRIPTIONS = 100
INVOICES = 24


@dataclass(frozen=True, slots=True)
class Found:
    """What Stripe answered: subscriptions, invoices, and what follows after this period."""

    customer_exists: bool = True
    subscriptions: Sequence[Mapping[str, Any]] = ()
    invoices: Sequence[Mapping[str, Any]] = ()
    following: tuple[Plan, str] | None = None
    checkout: Mapping[str, Any] | None = None

    @property
    def read(self) -> Sequence[Subscription]:
        return [read(one) for one in self.subscriptions]


def pull(client: Client) -> Found | None:
    """Bring a client's billing state in line with Stripe; what was found there.

    None when a later pull began meanwhile: that one writes. Raises StripeUnavailable, and Refused
    for a customer whom Stripe does not know: that is a mistake of ours (another account's key, the
    other mode), so nothing is taken from the client and our staff are told. A client without a
    customer at Stripe is reconciled without asking.
    """
    number, customer, checkout = _begin(client)
    if customer is None:
        reconcile(client)
        return Found()
    try:
        found = _ask(customer, checkout)
    except Refused as refused:
        if refused.is_missing:
            _alert_unknown(client, customer)
        raise
    return found if _write(client, number, found.read, found) else None


@transaction.atomic
def _alert_unknown(client: Client, customer: str) -> None:
    problem = f"Stripe does not know its customer {customer}."
    BillingState.objects.filter(client=client).update(alert=problem)
    notices.alert_staff(client, problem, customer)


@transaction.atomic
def _begin(client: Client) -> tuple[int, str | None, str]:
    """Take the next number; with it the customer's id, and that of the open payment page."""
    state = locked_state(client)
    state.pulls += 1
    state.save(update_fields=["pulls"])
    checkout = Checkout.objects.for_client(client).open().first()
    return state.pulls, state.stripe_customer_id, checkout.session_id if checkout else ""


def _ask(customer: str, checkout: str) -> Found:
    with stripe_api.talking() as stripe:
        person = stripe_api.plain(stripe.v1.customers.retrieve(customer))
        listed = stripe.v1.subscriptions.list(
            {"customer": customer, "status": "all", "limit": MOST_SUBSCRIPTIONS}
        )
        subscriptions = stripe_api.plain(listed)["data"]
        invoices = stripe.v1.invoices.list({"customer": customer, "limit": INVOICES})
        return Found(
            customer_exists=not person.get("deleted"),
            subscriptions=subscriptions,
            invoices=stripe_api.plain(invoices)["data"],
            following=_following(stripe, subscriptions),
            checkout=_found(stripe.v1.checkout.sessions.retrieve, checkout),
        )


def _found(retrieve: Callable[[str], Any], stripe_id: str) -> dict[str, Any] | None:
    """An object of Stripe's by its id; None for one that is not there (any more)."""
    if not stripe_id:
        return None
    try:
        return stripe_api.plain(retrieve(stripe_id))
    except stripe_library.InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
        return None


def _following(stripe: Any, subscriptions: Sequence[Mapping[str, Any]]) -> tuple[Plan, str] | None:
    """The plan that a schedule puts in the place of the present one, and its interval."""
    one = best(read(each) for each in subscriptions)
    if one is None or not one.is_live or not one.schedule_id:
        return None
    schedule = _found(stripe.v1.subscription_schedules.retrieve, one.schedule_id)
    price = next_phase(schedule) if schedule else None
    if price is None:
        return None
    return _plan_of_price(stripe, price)


def _plan_of_price(stripe: Any, price_id: str) -> tuple[Plan, str] | None:
    item = {"price": _found(stripe.v1.prices.retrieve, price_id)}
    told = read({"id": "", "items": {"data": [item]}})
    return (told.plan, told.interval) if told.is_known_price else None


@transaction.atomic
def _write(
    client: Client, number: int, subscriptions: Sequence[Subscription], found: Found
) -> bool:
    """Save what was found, unless a later pull began; whether it was saved."""
    state = locked_state(client)
    if state.pulls != number:
        return False
    before = state.plan
    one = best(subscriptions)
    _note(state, one, found)
    state.alert = _problem(subscriptions)
    state.pulled_at = timezone.now()
    if not found.customer_exists and state.stripe_customer_id:
        mirror.forget(state.stripe_customer_id)
        state.stripe_customer_id = None
    state.save()
    _settle_checkout(client, found)
    if state.alert and one:
        notices.alert_staff(client, state.alert, one.id)
    if state.plan != before:
        told = {"from": before, "to": state.plan}
        audit.record_by_system(client, Action.PLAN_CHANGED, state.plan, **told)
    reconcile(client)
    return True


def _note(state: BillingState, one: Subscription | None, found: Found) -> None:
    _note_past_due(state, one, timezone.now())
    state.next_plan, state.next_interval = "", ""
    if one is None:
        state.status, state.item_id, state.schedule_id = "", "", ""
        state.cancel_at = None
        return
    state.subscription_id, state.status = one.id, one.status
    state.item_id, state.schedule_id = one.item_id, one.schedule_id
    state.period_start, state.period_end = one.period_start, one.period_end
    state.cycle_anchor = one.anchor
    state.cancel_at = one.cancel_at
    if one.has_been_paid:
        state.ever_paid = True
        state.plan, state.interval = one.plan.key, one.interval
        state.amount_cents = one.amount_cents
    if found.following:
        plan, interval = found.following
        if (plan.key, interval) != (one.plan.key, one.interval):
            state.next_plan, state.next_interval = plan.key, interval


def _note_past_due(state: BillingState, one: Subscription | None, now: datetime) -> None:
    """Grace begins when it is first seen; another event about the same failure begins none."""
    if one is None or one.status not in {"past_due", "unpaid"}:
        state.past_due_since, state.grace_until = None, None
        return
    if state.past_due_since is None or state.subscription_id != one.id:
        state.past_due_since = now


def _problem(subscriptions: Sequence[Subscription]) -> str:
    """What only a person can put right; "" when all is well."""
    live = [one for one in subscriptions if one.is_live]
    if len(live) > 1:
        return f"{len(live)} subscriptions at once: the client pays twice."
    if any(not one.is_known_price for one in live):
        return "Its subscription has a price that is not in our table."
    return ""


def _settle_checkout(client: Client, found: Found) -> None:
    """Note how the payment page ended, as Stripe tells it.

    One that was paid stays open here until its subscription is listed too: till then a second
    page would be a second subscription.
    """
    open_pages, page = Checkout.objects.for_client(client).open(), found.checkout
    if not found.customer_exists:
        open_pages.update(state=Checkout.State.EXPIRED)
    if page is None or page.get("status") not in {"complete", "expired"}:
        return
    listed = {one["id"] for one in found.subscriptions}
    if page["status"] == "expired" or id_of(page.get("subscription")) in listed:
        open_pages.filter(session_id=page["id"]).update(state=page["status"])
