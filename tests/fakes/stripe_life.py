"""What happens by itself as time passes: renewals, trials, endings, retries, pages that expire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from tests.fakes import stripe_items as items
from tests.fakes import stripe_money as money
from tests.fakes import stripe_schedules as schedules
from tests.fakes import stripe_subscriptions as subscriptions
from tests.fakes.stripe_bills import PERIOD
from tests.fakes.stripe_checkout import expire_page
from tests.fakes.stripe_store import DAY, Json, Store

INCOMPLETE_FOR = 23 * 3600
RENEWING = frozenset({"active", "trialing", "past_due", "unpaid"})


class Due(NamedTuple):
    """Something that happens at a moment; of equals the lower rank comes first."""

    moment: int
    rank: int
    act: Callable[[], object]


def advance(store: Store, until: int) -> None:
    """Move the clock, and let everything happen at its own moment on the way."""
    while coming := [one for one in _all_due(store) if one.moment <= until]:
        first = min(coming, key=lambda one: (one.moment, one.rank))
        store.now = max(first.moment, store.now)
        first.act()
    store.now = until


def _all_due(store: Store) -> Iterator[Due]:
    for sub in store.all("subscription"):
        yield from _of_subscription(store, sub)
    for made in store.all("subscription_schedule", status="active"):
        moment = made["current_phase"]["end_date"]
        yield Due(moment, 0, partial(schedules.pass_phase, store, made))
    for page in store.all("checkout.session", status="open"):
        yield Due(page["expires_at"], 3, partial(expire_page, store, page))
    for made in store.all("invoice", status="open"):
        if made["next_payment_attempt"]:
            yield Due(made["next_payment_attempt"], 4, partial(retry, store, made))


def _of_subscription(store: Store, sub: Json) -> Iterator[Due]:
    status = sub["status"]
    if status == "incomplete":
        yield Due(sub["created"] + INCOMPLETE_FOR, 1, partial(_give_up, store, sub))
    if status not in RENEWING:
        return
    if status == "trialing" and not sub.get("_told"):
        early = sub["trial_end"] - 3 * DAY
        yield Due(early, 1, partial(subscriptions.tell_of_trial_end, store, sub))
    end = sub["items"]["data"][0][PERIOD[1]]
    if sub["cancel_at"] and not sub["schedule"]:
        yield Due(sub["cancel_at"], 1, partial(_end, store, sub))
    yield Due(end, 2, partial(renew, store, sub))


def _give_up(store: Store, sub: Json) -> None:
    with store.changing(sub):
        sub["status"] = "incomplete_expired"
    if made := store.find("invoice", sub["latest_invoice"] or ""):
        money.void(store, made)


def _end(store: Store, sub: Json) -> None:
    """The end that was asked for; what was used until now is billed last."""
    if lines := [one for one in money.usage_lines(store, sub) if one["amount"]]:
        money.bill(store, sub, lines, "subscription_cycle")
    subscriptions.end(store, sub, "cancellation_requested")


def renew(store: Store, sub: Json) -> None:
    """Begin the next period. It begins whether it is paid or not, as at Stripe."""
    with store.changing(sub):
        used = money.usage_lines(store, sub) if sub["status"] != "trialing" else []
        items.begin_period(sub, sub["items"]["data"][0][PERIOD[1]])
        lines = used + money.usual_lines(sub)
        if sub["status"] == "unpaid":
            money.draft(store, sub, lines, "subscription_cycle")
            return
        paid = money.bill(store, sub, lines, "subscription_cycle")
        sub["status"] = "active" if paid else "past_due"


def retry(store: Store, made: Json) -> None:
    """Try an open invoice's card again."""
    money.collect(store, made)
    settle(store, made)


def settle(store: Store, made: Json) -> None:
    """A paid invoice makes its subscription good again, if it is the latest."""
    name = made["parent"]["subscription_details"]["subscription"]
    sub = store.get("subscription", name)
    late = sub["status"] in {"past_due", "unpaid", "incomplete"}
    if made["status"] == "paid" and late and sub["latest_invoice"] == made["id"]:
        with store.changing(sub):
            sub["status"] = "active"


def pay_all(store: Store, customer: str) -> list[Json]:
    """Pay what a customer owes with a card that works, oldest first."""
    store.state.declining.discard(customer)
    for made in store.all("invoice", customer=customer, status="draft"):
        money.finalize(store, made)
    owed = store.all("invoice", customer=customer, status="open")
    for made in owed:
        retry(store, made)
    return owed


def fall_behind(store: Store, sub: Json, status: str) -> None:
    """Put a subscription into `past_due` or `unpaid`, with the open invoice that belongs to it."""
    declined = sub["customer"] in store.state.declining
    store.state.declining.add(sub["customer"])
    with store.changing(sub):
        money.bill(store, sub, money.usual_lines(sub), "subscription_cycle")
        sub["status"] = status
    if not declined:
        store.state.declining.discard(sub["customer"])


def end_dunning(store: Store, customer: str, status: str) -> None:
    """Stripe gives up on what is past due: `canceled` or `unpaid`, as an account has it set."""
    for made in store.all("invoice", customer=customer, status="open"):
        with store.changing(made):
            made["next_payment_attempt"] = None
    for sub in store.all("subscription", customer=customer, status="past_due"):
        if status == "canceled":
            subscriptions.end(store, sub, "payment_failed")
            continue
        with store.changing(sub):
            sub["status"] = status
