"""What Stripe answers about a customer's subscriptions, as much of it as we decide by. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from billing.plans import LOWEST_PAID, Interval, Plan, behind

# The best first: the one by which a client with several is judged.
RANKS = ("active", "trialing", "past_due", "unpaid", "paused", "canceled", "incomplete")
LIVE = frozenset({"active", "trialing", "past_due", "unpaid", "paused"})


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `plan` is the lowest paid one when its price is not of our table."""

    id: str
    status: str
    created: int
    item_id: str
    plan: Plan
    interval: Interval
    is_known_price: bool
    amount_cents: int
    anchor: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    cancel_at: datetime | None
    schedule_id: str

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def has_been_paid(self) -> bool:
        return self.status not in {"incomplete", "incomplete_expired"}


def read(data: Mapping[str, Any]) -> Subscription:
    """A subscription from Stripe's JSON, in API version 2026-05-27.dahlia."""
    items: Sequence[Mapping[str, Any]] = data.get("items", {}).get("data", [])
    item = next((one for one in items if _known(one)), None) or _first_licensed(items)
    known = _known(item)
    plan, interval = known or (LOWEST_PAID, _interval(item))
    end = _moment(item.get("current_period_end"))
    cancel_at = _moment(data.get("cancel_at"))
    if data.get("cancel_at_period_end"):
        cancel_at = cancel_at or end
    return Subscription(
        id=data["id"],
        status=str(data.get("status", "")),
        created=int(data.get("created") or 0),
        item_id=str(item.get("id", "")),
        plan=plan,
        interval=interval,
        is_known_price=known is not None,
        amount_cents=_amount(item),
        anchor=_moment(data.get("billing_cycle_anchor")),
        period_start=_moment(item.get("current_period_start")),
        period_end=end,
        cancel_at=cancel_at,
        schedule_id=id_of(data.get("schedule")),
    )


def best(found: Iterable[Subscription]) -> Subscription | None:
    """The one that is worth most to its client; of equals the newest."""
    return min(found, key=lambda one: (_rank(one.status), -one.created, one.id), default=None)


def _rank(status: str) -> int:
    return RANKS.index(status) if status in RANKS else len(RANKS)


def _known(item: Mapping[str, Any]) -> tuple[Plan, Interval] | None:
    price = item.get("price") or {}
    return behind(price.get("lookup_key") or "")


def _first_licensed(items: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The item that is not counted: overage is, and never names the plan."""
    for item in items:
        recurring = (item.get("price") or {}).get("recurring") or {}
        if recurring.get("usage_type") != "metered":
            return item
    return {}


def _interval(item: Mapping[str, Any]) -> Interval:
    recurring = (item.get("price") or {}).get("recurring") or {}
    return Interval.YEAR if recurring.get("interval") == "year" else Interval.MONTH


def _amount(item: Mapping[str, Any]) -> int:
    """What it costs each month or year, before coupons and taxes."""
    price = item.get("price") or {}
    return int(price.get("unit_amount") or 0) * int(item.get("quantity") or 1)


def _moment(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def id_of(value: Any) -> str:
    """Stripe's references are ids, or whole objects where they were expanded."""
    if isinstance(value, Mapping):
        return str(value.get("id", ""))
    return str(value or "")


def next_phase(schedule: Mapping[str, Any]) -> str | None:
    """The price that a schedule's next phase begins with; None when there is no next one."""
    current = (schedule.get("current_phase") or {}).get("start_date") or 0
    for phase in schedule.get("phases", []):
        if phase.get("start_date", 0) > current and phase.get("items"):
            return id_of(phase["items"][0].get("price"))
    return None
