"""Months that begin when a subscription does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billing.periods import month_of, plus_months


def day(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "now", "start", "end"),
    [
        (day(2026, 1, 15), day(2026, 1, 15), day(2026, 1, 15), day(2026, 2, 15)),
        (day(2026, 1, 15), day(2026, 3, 14, 23), day(2026, 2, 15), day(2026, 3, 15)),
        (day(2026, 1, 15), day(2026, 3, 15), day(2026, 3, 15), day(2026, 4, 15)),
        (day(2026, 1, 31), day(2026, 2, 28), day(2026, 2, 28), day(2026, 3, 31)),
        (day(2026, 1, 31), day(2026, 3, 30, 23), day(2026, 2, 28), day(2026, 3, 31)),
        (day(2024, 2, 29), day(2025, 2, 28), day(2025, 2, 28), day(2025, 3, 29)),
        (day(2025, 12, 31), day(2026, 1, 1), day(2025, 12, 31), day(2026, 1, 31)),
        (day(2026, 5, 10, 18), day(2026, 6, 10, 17), day(2026, 5, 10, 18), day(2026, 6, 10, 18)),
    ],
)
def test_a_month_begins_on_the_day_of_the_subscription(
    anchor: datetime, now: datetime, start: datetime, end: datetime
) -> None:
    period = month_of(anchor, now)
    assert (period.start, period.end) == (start, end)


def test_each_moment_lies_in_one_month_and_months_follow_each_other() -> None:
    for last in range(1, 32):
        anchor = day(2024, 1, last, 7)
        moment, before = anchor, None
        while moment < day(2026, 3, 1):
            period = month_of(anchor, moment)
            assert period.start <= moment < period.end
            assert before in (None, period) or before.end == period.start
            moment, before = moment + timedelta(hours=13), period


def test_a_month_after_the_last_of_december_is_the_last_of_january() -> None:
    assert plus_months(day(2026, 12, 31), 1) == day(2027, 1, 31)
    assert plus_months(day(2026, 12, 31), 2) == day(2027, 2, 28)
    assert plus_months(day(2026, 3, 31), -1) == day(2026, 2, 28)
