"""Tell Stripe of the answers beyond a plan, once each, for clients that wanted them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing import notices, stripe_api
from billing.catalogue import METER_EVENT
from billing.entitlement import state_of
from billing.models import Kind, UsageCounter
from billing.periods import plus_months
from billing.stripe_api import Refused, StripeUnavailable


@dataclass(frozen=True, slots=True)
class Report:
    """So many answers more of this counter; `name` makes a second report of them the same one."""

    counter_id: int
    customer: str
    amount: int
    at: datetime
    name: str


def report_all() -> int:
    """Report what is new; how many reports went out. A failed one waits for the next time."""
    counters = UsageCounter.objects.unreported().filter(kind=Kind.ANSWERS)
    reports = [_prepared(pk) for pk in counters.values_list("pk", flat=True)]
    return sum(_send(report) for report in reports if report is not None)


@transaction.atomic
def _prepared(counter_id: int) -> Report | None:
    """Write down what is going to be reported, before it is: a report that was begun and not
    finished is sent again as it was, and Stripe counts it once."""
    counter = UsageCounter.objects.select_for_update().select_related("client").get(pk=counter_id)
    customer = state_of(counter.client).stripe_customer_id
    if not customer:
        return None
    if counter.reporting == counter.reported and counter.over > counter.reported:
        # What was used before a period ended belongs on the invoice of that period.
        end = plus_months(counter.period_start, 1) - timedelta(seconds=1)
        counter.reporting, counter.reporting_at = counter.over, min(timezone.now(), end)
        counter.save(update_fields=["reporting", "reporting_at"])
    amount = counter.reporting - counter.reported
    if amount <= 0 or counter.reporting_at is None:
        return None
    name = f"{counter.client.public_id}-{counter.pk}-{counter.reporting}"
    return Report(counter.pk, customer, amount, counter.reporting_at, name)


def _send(report: Report) -> bool:
    event: Any = {
        "event_name": METER_EVENT,
        "identifier": report.name,
        "timestamp": int(report.at.timestamp()),
        "payload": {"stripe_customer_id": report.customer, "value": str(report.amount)},
    }
    try:
        with stripe_api.talking() as stripe:
            stripe.v1.billing.meter_events.create(event, {"idempotency_key": report.name})
    except StripeUnavailable:
        return False
    except Refused as refused:
        # Told before, by a worker that died before it could note that.
        if not refused.is_repeat:
            problem = "Stripe refuses the report of its further answers."
            client = UsageCounter.objects.select_related("client").get(pk=report.counter_id).client
            notices.alert_staff(client, problem, report.name)
            return False
    rows = UsageCounter.objects.filter(pk=report.counter_id)
    rows.update(reported=F("reporting"))
    return True
