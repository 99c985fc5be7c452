"""Billing periods: months and years counted from an anchor, as Stripe counts them."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

from tests.fakes.stripe_store import Json

DAYS = {"day": 1, "week": 7}


def step(anchor: int, number: int, recurring: Json) -> int:
    """The anchor moved by `number` intervals; the 31st becomes a short month's last day."""
    start = datetime.fromtimestamp(anchor, UTC)
    count = number * recurring["interval_count"]
    if (days := DAYS.get(recurring["interval"])) is not None:
        return int((start + timedelta(days=days * count)).timestamp())
    months = count * (12 if recurring["interval"] == "year" else 1)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def next_end(anchor: int, after: int, recurring: Json) -> int:
    """The first boundary after a moment. Counted from the anchor, so that no short month stays."""
    number = 1
    while step(anchor, number, recurring) <= after:
        number += 1
    return step(anchor, number, recurring)
