"""Answers beyond a plan: reported to Stripe's meter once each, whatever fails."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from billing import overage, quota, tasks
from billing.catalogue import METER_EVENT
from billing.models import BillingState, Kind, UsageCounter
from billing.plans import BASIC, STANDARD
from tests.billing.conftest import Payer


@pytest.fixture
def generous(payer: Payer) -> Payer:
    """Pays for further answers, and has used all that its plan holds."""
    payer.subscribe()
    BillingState.objects.update(overage_wanted=True)
    quota.add(payer.client, Kind.ANSWERS, STANDARD.limits.answers)
    return payer


def answer(payer: Payer, times: int, now: datetime | None = None) -> None:
    for _ in range(times):
        quota.spend(payer.client, Kind.ANSWERS, now=now)


def told(payer: Payer) -> list[int]:
    """The reports that Stripe counts, oldest first."""
    events = payer.fake.all("billing.meter_event")
    return [int(event["payload"]["value"]) for event in events]


def test_each_report_tells_what_came_since_the_last(generous: Payer) -> None:
    assert overage.report_all() == 0
    answer(generous, 3)
    assert overage.report_all() == 1
    assert overage.report_all() == 0
    answer(generous, 2)
    tasks.report_overage()
    assert told(generous) == [3, 2]
    event = generous.fake.all("billing.meter_event")[0]
    assert event["event_name"] == METER_EVENT
    assert event["payload"]["stripe_customer_id"] == generous.customer


def test_further_answers_are_on_the_next_invoice(generous: Payer) -> None:
    answer(generous, 10)
    overage.report_all()
    generous.fake.advance(days=32)
    assert generous.fake.invoices(generous.customer)[-1]["total"] == 9_900 + 10 * 3


@pytest.mark.parametrize("after", [False, True], ids=["lost on its way", "its answer lost"])
def test_a_report_that_failed_is_sent_again_and_counted_once(generous: Payer, after: bool) -> None:
    answer(generous, 3)
    generous.fake.fail(500, path="/v1/billing/meter_events", after=after, retry=False)
    assert overage.report_all() == 0
    generous.fake.behave()
    answer(generous, 4)
    assert overage.report_all() == 1
    assert overage.report_all() == 1
    assert told(generous) == [3, 4]


@pytest.mark.parametrize("names_the_field", [True, False])
def test_a_worker_that_died_after_its_report_tells_nothing_twice(
    generous: Payer, names_the_field: bool
) -> None:
    if not names_the_field:
        generous.fake.name_no_duplicate_param()
    answer(generous, 3)
    overage.report_all()
    UsageCounter.objects.update(reported=0)  # it died before it could note that
    generous.fake._app.keys.clear()  # and came back when the key was too old
    assert overage.report_all() == 1
    assert overage.report_all() == 0
    assert told(generous) == [3]


def test_what_was_used_in_a_period_that_is_over_is_reported_into_it(generous: Payer) -> None:
    answer(generous, 3)
    counter = UsageCounter.objects.get(kind=Kind.ANSWERS)
    start = counter.period_start - timedelta(days=40)
    UsageCounter.objects.update(period_start=start)
    overage.report_all()
    (event,) = generous.fake.all("billing.meter_event")
    assert event["timestamp"] < counter.period_start.timestamp()


def test_a_smaller_plan_makes_nothing_dearer_that_was_used_before(generous: Payer) -> None:
    answer(generous, 3)
    overage.report_all()
    BillingState.objects.update(plan=BASIC.key)
    assert overage.report_all() == 0
    assert told(generous) == [3]


def test_what_a_plan_holds_is_never_reported(payer: Payer) -> None:
    payer.subscribe()
    BillingState.objects.update(overage_wanted=True)
    quota.add(payer.client, Kind.ANSWERS, STANDARD.limits.answers - 2)
    answer(payer, 2)
    assert overage.report_all() == 0
    assert told(payer) == []
