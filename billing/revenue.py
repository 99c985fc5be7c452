"""How the business does: recurring revenue, trials, who pays late, who left. For our own staff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q, Sum
from django.utils import timezone

from accounts.audit import Action
from accounts.models import AuditEvent
from billing.models import BillingState, RevenueDay
from billing.plans import PAID, Interval
from billing.standing import Standing

PAYING = (Standing.ACTIVE, Standing.GRACE)
CHURN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One plan in the overview; money in cents a month."""

    name: str
    clients: int
    mrr_cents: int


@dataclass(frozen=True, slots=True)
class Overview:
    lines: Sequence[Line]
    trials: int
    past_due: int
    lapsed: int
    alerts: int

    @property
    def mrr_cents(self) -> int:
        return sum(line.mrr_cents for line in self.lines)

    @property
    def paying(self) -> int:
        return sum(line.clients for line in self.lines)


def overview() -> Overview:
    """As it is now, from our own table: no coupon or tax is in it."""
    counts = BillingState.objects.aggregate(
        trials=Count("pk", filter=Q(standing=Standing.TRIAL)),
        past_due=Count("pk", filter=Q(standing=Standing.GRACE)),
        lapsed=Count("pk", filter=Q(standing__in=(Standing.GRACE_OVER, Standing.UNPAID))),
        alerts=Count("pk", filter=~Q(alert="")),
    )
    return Overview(lines=_lines(), **counts)


def churn(days: Sequence[RevenueDay]) -> float | None:
    """How many of those who paid a month ago have ended since, in %; None while nobody paid."""
    month = days[-CHURN_DAYS:]
    before = month[0].paying if month else 0
    return round(100 * sum(day.ended for day in month) / before, 1) if before else None


def note_today() -> None:
    """Write down how today stands; the last look of a day is what stays."""
    now, today = overview(), timezone.now().date()
    ended = AuditEvent.objects.filter(
        action=Action.BILLING_CHANGED, target=Standing.ENDED.label, at__date=today
    )
    RevenueDay.objects.update_or_create(
        day=today,
        defaults={
            "mrr_cents": now.mrr_cents,
            "paying": now.paying,
            "trials": now.trials,
            "past_due": now.past_due + now.lapsed,
            "ended": ended.count(),
        },
    )


def last_days(count: int, today: date) -> list[RevenueDay]:
    """The last `count` days, oldest first; a day on which nobody looked stands at zero."""
    first = today - timedelta(days=count - 1)
    found = {one.day: one for one in RevenueDay.objects.filter(day__gte=first)}
    days = [first + timedelta(days=number) for number in range(count)]
    return [found.get(day) or _nothing(day) for day in days]


def _nothing(day: date) -> RevenueDay:
    return RevenueDay(day=day, mrr_cents=0, paying=0, trials=0, past_due=0, ended=0)


def _lines() -> list[Line]:
    paying = BillingState.objects.filter(standing__in=PAYING, status__in=("active", "past_due"))
    rows = paying.values("plan", "interval").annotate(
        clients=Count("pk"), cents=Sum("amount_cents")
    )
    clients, cents = Counter[str](), Counter[str]()
    for row in rows:
        clients[row["plan"]] += row["clients"]
        cents[row["plan"]] += _monthly(row["cents"], row["interval"])
    return [Line(plan.name, clients[plan.key], cents[plan.key]) for plan in PAID]


def _monthly(cents: int, interval: str) -> int:
    """What is paid in a month; a year's price is spread over its months."""
    return round(cents / 12) if interval == Interval.YEAR else cents
