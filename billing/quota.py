"""Count what a client uses, and stop it at what its plan holds.

`spend` is one UPDATE that only finds its row while enough is left: of fifty questions at once at
the last answer of a month, one is answered.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Client
from billing import notices
from billing.entitlement import Entitlement, entitlement_of
from billing.gate import PaymentRequired
from billing.models import Kind, UsageCounter, UsageCounterQuerySet, UsageDay
from billing.notices import Notice
from billing.plans import Limits

MICRODOLLARS_PER_CENT = 10_000
MARKS = (("quota_80", 0.8), ("quota_100", 1.0))
# By so much a counter may have grown since it was read.
SLACK = 200
WARNED = frozenset({Kind.ANSWERS, Kind.API_CALLS})


class QuotaExceeded(PaymentRequired):
    title = "That is all for this month"


def limit_of(limits: Limits, kind: Kind) -> int:
    """How much of a kind there is in a period, in the unit of its counter."""
    match kind:
        case Kind.ANSWERS:
            return limits.answers
        case Kind.API_CALLS:
            return limits.api_calls
        case Kind.MODEL_COST:
            return limits.model_cost_cents * MICRODOLLARS_PER_CENT


def require(client: Client, *kinds: Kind) -> None:
    """Raise QuotaExceeded when nothing is left of one of them; takes nothing. One query."""
    entitlement = entitlement_of(client)
    used = used_in(client, entitlement)
    for kind in kinds:
        is_used_up = used.get(kind, 0) >= limit_of(entitlement.plan.limits, kind)
        if is_used_up and not _goes_on(entitlement, kind):
            raise _exceeded(kind)


def spend(client: Client, kind: Kind, amount: int = 1, now: datetime | None = None) -> int:
    """Take `amount`, or raise QuotaExceeded; the counter's key, for `refund`."""
    moment = now or timezone.now()
    entitlement = entitlement_of(client, moment)
    counter = _counter(client, kind, entitlement)
    limit = limit_of(entitlement.plan.limits, kind)
    with transaction.atomic():
        _take(counter, kind, amount, limit, goes_on=_goes_on(entitlement, kind))
        _count_day(client, kind, amount, moment)
        _warn(client, counter, entitlement, amount)
    return counter.pk


def spend_for_good(
    client: Client, kind: Kind, amount: int = 1, now: datetime | None = None
) -> None:
    """Take `amount` that is never given back, or raise QuotaExceeded.

    While all marks are far, one UPDATE says so, and nothing of the counter need be read.
    """
    moment = now or timezone.now()
    entitlement = entitlement_of(client, moment)
    first_mark = limit_of(entitlement.plan.limits, kind) * MARKS[0][1]
    counter = _counters(client, kind, entitlement).filter(used__lt=first_mark - amount)
    with transaction.atomic():
        if counter.update(used=F("used") + amount):
            _count_day(client, kind, amount, moment)
            return
    spend(client, kind, amount, moment)


def _take(counter: UsageCounter, kind: Kind, amount: int, limit: int, *, goes_on: bool) -> None:
    row = UsageCounter.objects.filter(pk=counter.pk)
    if row.filter(used__lte=limit - amount).update(used=F("used") + amount):
        return
    if not goes_on:
        raise _exceeded(kind)
    row.update(used=F("used") + amount, over=F("over") + amount)


def add(client: Client, kind: Kind, amount: int, now: datetime | None = None) -> None:
    """Count what was used already, whatever the limit: its end is known only afterwards."""
    moment = now or timezone.now()
    counter = _counter(client, kind, entitlement_of(client, moment))
    with transaction.atomic():
        UsageCounter.objects.filter(pk=counter.pk).update(used=F("used") + amount)
        _count_day(client, kind, amount, moment)


def refund(counter_id: int, when: datetime, amount: int = 1) -> None:
    """Give back what was spent at `when` for something that then failed."""
    counter = UsageCounter.objects.filter(pk=counter_id).first()
    if counter is None:
        return
    row = UsageCounter.objects.filter(pk=counter_id, used__gte=amount)
    # What is billed goes first. Where Stripe was told of it already, the next one is not told.
    billed = row.filter(over__gte=amount)
    if not billed.update(used=F("used") - amount, over=F("over") - amount):
        row.update(used=F("used") - amount)
    day = UsageDay.objects.filter(client=counter.client_id, kind=counter.kind, day=when.date())
    day.filter(used__gte=amount).update(used=F("used") - amount)


def used_in(client: Client, entitlement: Entitlement) -> dict[str, int]:
    """How much of each kind was used in the present period."""
    counters = UsageCounter.objects.for_client(client)
    now = counters.filter(period_start=entitlement.period.start)
    return dict(now.values_list("kind", "used"))


def _counter(client: Client, kind: Kind, entitlement: Entitlement) -> UsageCounter:
    same = _counters(client, kind, entitlement)
    if (found := same.first()) is not None:
        return found
    new = UsageCounter(client=client, kind=kind, period_start=entitlement.period.start)
    UsageCounter.objects.bulk_create([new], ignore_conflicts=True)
    return same.get()


def _counters(client: Client, kind: Kind, entitlement: Entitlement) -> UsageCounterQuerySet:
    """The one of the present period, if there is one yet."""
    start = entitlement.period.start
    return UsageCounter.objects.filter(client=client, kind=kind, period_start=start)


def _goes_on(entitlement: Entitlement, kind: Kind) -> bool:
    return entitlement.goes_on and kind == Kind.ANSWERS


def _count_day(client: Client, kind: Kind, amount: int, moment: datetime) -> None:
    day = UsageDay.objects.filter(client=client, kind=kind, day=moment.date())
    if day.update(used=F("used") + amount):
        return
    new = UsageDay(client=client, kind=kind, day=moment.date())
    UsageDay.objects.bulk_create([new], ignore_conflicts=True)
    day.update(used=F("used") + amount)


def _warn(client: Client, counter: UsageCounter, entitlement: Entitlement, amount: int) -> None:
    """Mail when this spending passed 80 or 100 %.

    Read while the counter's row is still locked by our own UPDATE: of all spenders exactly one
    passes a mark. What was refunded and spent again passes it twice, which the outbox stops.
    """
    kind = Kind(counter.kind)
    limit = limit_of(entitlement.plan.limits, kind)
    is_far = counter.used + amount < limit * MARKS[0][1] - SLACK
    if kind not in WARNED or is_far:
        return
    used = UsageCounter.objects.values_list("used", flat=True).get(pk=counter.pk)
    passed = [name for name, mark in MARKS if used - amount < limit * mark <= used]
    for name in passed[-1:]:
        notices.send(
            client,
            Notice(name, f"{kind}:{entitlement.period.start:%Y%m%d}:{limit}"),
            what=kind.label,
            used=used,
            limit=limit,
            ends=entitlement.period.end,
            goes_on=_goes_on(entitlement, kind),
        )


def _exceeded(kind: Kind) -> QuotaExceeded:
    return QuotaExceeded("quota_exceeded", f"All {kind.label} of this month are used.")
