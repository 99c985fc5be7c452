"""What Stripe's JSON about subscriptions means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from billing.plans import BASIC, PREMIUM, STANDARD, Interval
from billing.subscriptions import best, next_phase, read

STANDARD_MONTH = STANDARD.lookup_key(Interval.MONTH)
OVERAGE = STANDARD.overage_lookup_key(Interval.MONTH)


def item(name: str = STANDARD_MONTH, **fields: Any) -> dict[str, Any]:
    usage = "metered" if "overage" in name else "licensed"
    return {
        "id": f"si_{name}",
        "current_period_start": 1_000,
        "current_period_end": 2_000,
        "price": {
            "lookup_key": name,
            "unit_amount": 9_900,
            "recurring": {"interval": "month", "usage_type": usage},
        },
        **fields,
    }


def subscription(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "status": "active",
        "created": 1,
        "items": {"data": list(items or (item(),))},
        **fields,
    }


def test_the_dates_and_the_plan_are_read_from_the_item() -> None:
    one = read(subscription())
    assert (one.plan, one.interval, one.is_known_price) == (STANDARD, Interval.MONTH, True)
    assert one.period_start == datetime.fromtimestamp(1_000, UTC)
    assert one.period_end == datetime.fromtimestamp(2_000, UTC)
    assert one.amount_cents == 9_900
    assert one.cancel_at is None


def test_further_answers_never_name_the_plan() -> None:
    assert read(subscription(item(OVERAGE), item())).item_id == f"si_{STANDARD_MONTH}"
    unknown = read(subscription(item(OVERAGE), item("another_product")))
    assert (unknown.item_id, unknown.is_known_price) == ("si_another_product", False)


def test_an_unknown_price_counts_as_the_smallest_paid_plan() -> None:
    one = read(subscription(item("another_product")))
    assert (one.plan, one.is_known_price) == (BASIC, False)


def test_a_price_of_a_year_ago_keeps_its_plan_and_its_amount() -> None:
    old = item("chatbot_premium_year_990")
    old["price"]["unit_amount"] = 99_000
    one = read(subscription(old))
    assert (one.plan, one.interval, one.amount_cents) == (PREMIUM, Interval.YEAR, 99_000)


def test_a_cancellation_at_the_periods_end_has_that_date() -> None:
    one = read(subscription(cancel_at_period_end=True))
    assert one.cancel_at == one.period_end
    dated = read(subscription(cancel_at=1_500))
    assert dated.cancel_at == datetime.fromtimestamp(1_500, UTC)


@pytest.mark.parametrize(
    "data",
    [
        {"id": "sub_1"},
        {"id": "sub_1", "items": {"data": []}},
        {"id": "sub_1", "items": {"data": [{}]}, "schedule": None},
        {"id": "sub_1", "items": {"data": [{"price": None}]}, "cancel_at_period_end": True},
    ],
)
def test_what_lacks_everything_is_still_read(data: dict[str, Any]) -> None:
    one = read(data)
    assert (one.plan, one.is_known_price, one.period_end) == (BASIC, False, None)


def test_a_reference_may_be_a_whole_object() -> None:
    assert read(subscription(schedule={"id": "sub_sched_1"})).schedule_id == "sub_sched_1"
    assert read(subscription(schedule="sub_sched_1")).schedule_id == "sub_sched_1"


def chosen(*statuses: str) -> str:
    """Of subscriptions in these statuses, each newer than the one before: "status number"."""
    found = [
        read(subscription(id=f"{status} {number}", status=status, created=number))
        for number, status in enumerate(statuses)
    ]
    one = best(found)
    return one.id if one else ""


def test_of_several_the_best_counts_and_of_equals_the_newest() -> None:
    assert chosen("active", "past_due", "canceled", "word_of_next_year") == "active 0"
    assert chosen("active", "active") == "active 1"
    assert chosen("canceled", "word_of_next_year") == "canceled 0"
    assert chosen("word_of_next_year") == "word_of_next_year 0"
    assert chosen() == ""


def test_the_next_phase_is_the_one_after_the_present() -> None:
    phases = [
        {"start_date": 10, "items": [{"price": "price_now"}]},
        {"start_date": 20, "items": [{"price": {"id": "price_next"}}]},
    ]
    schedule = {"current_phase": {"start_date": 10}, "phases": phases}
    assert next_phase(schedule) == "price_next"
    assert next_phase({**schedule, "current_phase": {"start_date": 20}}) is None
    assert next_phase({}) is None
