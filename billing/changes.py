"""What an owner changes about a running subscription. Stripe does it; then we look there again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import stripe as stripe_library
from django.conf import settings
from django.urls import reverse

from accounts import audit
from accounts.audit import Action
from accounts.http import MemberRequest
from accounts.models import Client
from billing import catalogue, notices, stripe_api, sync
from billing.entitlement import state_of
from billing.models import BillingState
from billing.plans import Interval, Plan
from billing.pull import pull
from billing.stripe_api import PaymentRefused, Refused, StripeUnavailable
from chatbot_saas.lib.errors import CallerError, Conflict

MOST_LOOKS = 3


def is_upgrade(state: BillingState, plan: Plan, interval: Interval) -> bool:
    """Whether it takes effect at once: more of the plan, or the same plan for longer."""
    now = (state.bought.monthly, state.bought_interval == Interval.YEAR)
    return (plan.monthly, interval == Interval.YEAR) > now


def change_plan(request: MemberRequest, plan: Plan, interval: Interval, once: str) -> None:
    """Upgrade now, with the rest of the month credited, or downgrade when the period ends.

    `once` names the form that was sent: sent twice it is done once. Raises Conflict without a
    subscription that is paid, PaymentRefused (and changes nothing) when the bank says no.
    """
    state = _changeable(request.client)
    if (state.bought, state.bought_interval) == (plan, interval):
        raise Conflict("same_plan", f"The plan is {plan.name} already.")
    with _released(state, once):
        if is_upgrade(state, plan, interval):
            _upgrade(state, plan, interval, once)
        else:
            _downgrade(state, plan, interval, once)
    _done(request, Action.PLAN_ORDERED, plan.name, interval=interval)


def keep_plan(request: MemberRequest, once: str) -> None:
    """Take a downgrade back that has not happened yet."""
    state = _changeable(request.client)
    if not state.schedule_id:
        raise Conflict("nothing_ordered", "The plan does not change.")
    _release(state, once)
    _done(request, Action.PLAN_ORDER_UNDONE, state.bought.name)


def cancel(request: MemberRequest, once: str) -> None:
    """End the subscription when what is paid for has been used."""
    state = _subscribed(request.client)
    if state.cancel_at is not None:
        raise Conflict("already_cancelled", "It is cancelled already.")
    with _released(state, once):
        _update(state, {"cancel_at_period_end": True}, once)
    _done(request, Action.SUBSCRIPTION_CANCELED, state.bought.name)


def resume(request: MemberRequest, once: str) -> None:
    """Take a cancellation back while the subscription still runs."""
    state = _subscribed(request.client)
    if state.cancel_at is None:
        raise Conflict("not_cancelled", "It is not cancelled.")
    _update(state, {"cancel_at_period_end": False}, once)
    _done(request, Action.SUBSCRIPTION_RESUMED, state.bought.name)


def portal(client: Client) -> str:
    """The address of Stripe's own page for cards, invoices and tax numbers."""
    customer = state_of(client).stripe_customer_id
    if not customer:
        raise Conflict("no_customer", "Nothing was bought yet.")
    params: Any = {
        "customer": customer,
        "return_url": settings.SITE_URL + reverse("billing_return"),
        "configuration": catalogue.stripe_id(catalogue.PORTAL),
    }
    with stripe_api.talking() as stripe:
        return str(stripe.v1.billing_portal.sessions.create(params).url)


def _subscribed(client: Client) -> BillingState:
    """What Stripe says now: what we heard last may have been changed on its own pages since."""
    pull(client)
    state = BillingState.objects.get(client=client)
    if not state.has_subscription:
        raise Conflict("no_subscription", "There is no subscription to change.")
    return state


def _changeable(client: Client) -> BillingState:
    state = _subscribed(client)
    if state.cancel_at is not None:
        raise Conflict("cancelled", "It is cancelled: go on after all, then change the plan.")
    if not state.may_change_plan:
        raise Conflict("unpaid", "Please pay the open invoice first; then the plan can change.")
    return state


@contextmanager
def _released(state: BillingState, once: str) -> Iterator[None]:
    """Without what was ordered for the period's end; if the change fails, it is ordered again."""
    _release(state, once)
    try:
        yield
    except CallerError as error:
        if state.following is not None:
            _order_again(state, state.following, once, is_known=isinstance(error, PaymentRefused))
        raise


def _order_again(state: BillingState, plan: Plan, once: str, *, is_known: bool) -> None:
    """Unless Stripe did the change after all and only its answer was lost."""
    try:
        if not is_known:
            pull(state.client)
        now = BillingState.objects.get(pk=state.pk)
        if (now.plan, now.cancel_at) == (state.plan, state.cancel_at):
            _downgrade(state, plan, Interval(state.next_interval), f"again-{once}")
    except CallerError:
        problem = f"The change to {plan.name} that it ordered may be lost: please look."
        notices.alert_staff(state.client, problem, state.subscription_id + once)


def _release(state: BillingState, once: str) -> None:
    """Drop what was to happen at the period's end; Stripe refuses other changes before that."""
    if not state.schedule_id:
        return
    with stripe_api.talking() as stripe:
        stripe.v1.subscription_schedules.release(
            state.schedule_id, None, {"idempotency_key": f"release-{once}"}
        )


def _upgrade(state: BillingState, plan: Plan, interval: Interval, once: str) -> None:
    change: Any = {
        "items": list(_items(state, plan, interval)),
        "proration_behavior": "always_invoice",
        # A card that is refused leaves everything as it was.
        "payment_behavior": "error_if_incomplete",
    }
    _update(state, change, once)


def _items(state: BillingState, plan: Plan, interval: Interval) -> Iterable[dict[str, Any]]:
    yield {"id": state.item_id, "price": catalogue.price_id(plan, interval)}
    for item in _metered_items(state):
        yield {"id": item, "deleted": True, "clear_usage": True}
    if overage := catalogue.overage_price_id(plan, interval):
        yield {"price": overage}


def _metered_items(state: BillingState) -> list[str]:
    with stripe_api.talking() as stripe:
        found = stripe_api.plain(stripe.v1.subscriptions.retrieve(state.subscription_id))
    return [one["id"] for one in found["items"]["data"] if one["id"] != state.item_id]


def _downgrade(state: BillingState, plan: Plan, interval: Interval, once: str) -> None:
    """A schedule of two phases: what is paid for to its end, then the smaller plan."""
    after: list[Any] = [{"price": catalogue.price_id(plan, interval), "quantity": 1}]
    if overage := catalogue.overage_price_id(plan, interval):
        after.append({"price": overage})
    with stripe_api.talking() as stripe:
        made = stripe.v1.subscription_schedules.create(
            {"from_subscription": state.subscription_id}, {"idempotency_key": f"schedule-{once}"}
        )
        phase = stripe_api.plain(made)["phases"][0]
        phases: list[Any] = [
            {
                "start_date": phase["start_date"],
                "end_date": phase["end_date"],
                "items": [_same_item(item) for item in phase["items"]],
                "discounts": (kept := _same_discounts(phase)),
            },
            {
                "items": after,
                "discounts": kept,
                "duration": {"interval": interval.value, "interval_count": 1},
                "proration_behavior": "none",
            },
        ]
        try:
            stripe.v1.subscription_schedules.update(
                made.id,
                {"end_behavior": "release", "phases": phases},
                {"idempotency_key": f"phases-{once}"},
            )
        except stripe_library.StripeError:
            # Half a schedule would change nothing, and stand in the way of the next change.
            stripe.v1.subscription_schedules.release(made.id)
            raise


def _same_item(item: dict[str, Any]) -> dict[str, Any]:
    kept = {"price": item["price"]}
    return kept | ({"quantity": item["quantity"]} if item.get("quantity") else {})


def _same_discounts(phase: dict[str, Any]) -> list[dict[str, str]]:
    """A coupon stays: phases that name none would fall back on the customer's."""
    names = ("coupon", "discount", "promotion_code")
    found = phase.get("discounts") or []
    return [{name: one[name] for name in names if one.get(name)} for one in found]


def _update(state: BillingState, change: Any, once: str) -> None:
    with stripe_api.talking() as stripe:
        stripe.v1.subscriptions.update(
            state.subscription_id, change, {"idempotency_key": f"update-{once}"}
        )


def _done(request: MemberRequest, action: Action, target: str, **details: object) -> None:
    """Note who did it, and look at Stripe: now, and once more by the worker if that fails.

    The event of the change makes the worker look at the same moment. Whoever is overtaken looks
    again, so that the page shows what was done.
    """
    audit.record(request, request.client, action, target, **details)
    try:
        found = any(pull(request.client) for _ in range(MOST_LOOKS))
    except (StripeUnavailable, Refused):
        found = False
    if not found:
        sync.ask_for(request.client, "change")
