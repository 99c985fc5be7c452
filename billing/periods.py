"""Months that begin when a client's subscription does, not when the calendar's do. Pure."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, not including, `end`."""

    start: datetime
    end: datetime


def month_of(anchor: datetime, now: datetime) -> Period:
    """The month of a subscription that began at `anchor` in which `now` lies.

    One that began on the 31st goes from the last day of a short month, as Stripe's does.
    """
    months = (now.year - anchor.year) * 12 + now.month - anchor.month
    if plus_months(anchor, months) > now:
        months -= 1
    return Period(plus_months(anchor, months), plus_months(anchor, months + 1))


def plus_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
