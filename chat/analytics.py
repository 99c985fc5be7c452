"""How the chat is doing, in few queries. Visitors alone: the client's own tries do not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import TruncHour
from django.utils import timezone

from accounts.models import Client
from chat.models import Citation, Conversation, Message, MessageQuerySet

TOP = 10
# Of the latest questions without an answer so many are compared.
COMPARED = 1_000


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour (UTC) and its answers."""

    began: datetime
    answered: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC) and its answers."""

    date: date
    answered: int
    unanswered: int

    @property
    def questions(self) -> int:
        return self.answered + self.unanswered


@dataclass(frozen=True, slots=True)
class Totals:
    questions: int
    answered: int
    conversations: int

    @property
    def share(self) -> int | None:
        """Percent that found an answer."""
        return round(100 * self.answered / self.questions) if self.questions else None


@dataclass(frozen=True, slots=True)
class Named:
    """Something that was counted."""

    name: str
    count: int


def by_hour(client: Client, since: date) -> list[Hour]:
    """Every hour in which an answer was given: what the plots of days and of hours add up."""
    rows = (
        _answers(client, since)
        .annotate(hour=TruncHour("created_at"))
        .values("hour")
        .annotate(good=Count("pk", filter=Q(answered=True)), all=Count("pk"))
    )
    return [Hour(row["hour"], row["good"], row["all"] - row["good"]) for row in rows]


def days(hours: Sequence[Hour], count: int, today: date) -> list[Day]:
    """The last `count` days, oldest first, also those on which nobody asked."""
    answered: Counter[date] = Counter()
    unanswered: Counter[date] = Counter()
    for hour in hours:
        answered[hour.began.date()] += hour.answered
        unanswered[hour.began.date()] += hour.unanswered
    wanted = (today - timedelta(days=count - 1 - number) for number in range(count))
    return [Day(day, answered[day], unanswered[day]) for day in wanted]


def totals(client: Client, count: int, today: date) -> tuple[Totals, Totals]:
    """Of the last `count` days, and of as many before them."""
    start = _midnight(today - timedelta(days=count - 1))
    before = start - timedelta(days=count)
    lately = Q(created_at__gte=start)
    good = Q(answered=True)
    row = _answers(client, before.date()).aggregate(
        q1=Count("pk", filter=lately),
        a1=Count("pk", filter=lately & good),
        c1=Count("conversation", filter=lately, distinct=True),
        q0=Count("pk", filter=~lately),
        a0=Count("pk", filter=~lately & good),
        c0=Count("conversation", filter=~lately, distinct=True),
    )
    return Totals(row["q1"], row["a1"], row["c1"]), Totals(row["q0"], row["a0"], row["c0"])


def gaps(client: Client, since: date) -> list[Named]:
    """The questions without an answer that were asked most, however they were capitalised."""
    missed = _answers(client, since).filter(answered=False).with_question().order_by("-pk")
    latest = missed.values_list("question", flat=True)[:COMPARED]  # type: ignore[misc]
    counted: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for text in latest:
        key = " ".join((text or "").lower().split()).rstrip("?!. ")
        counted[key] += 1
        shown.setdefault(key, text or "")
    return [Named(shown[key], count) for key, count in counted.most_common(TOP) if key]


def pages(client: Client, since: date) -> list[Named]:
    """Where on the client's site conversations began."""
    rows = (
        Conversation.objects.for_client(client)
        .of_visitors()
        .filter(started_at__gte=_midnight(since))
        .exclude(page_url="")
        .values("page_url")
        .annotate(count=Count("pk"))
        .order_by("-count", "page_url")[:TOP]
    )
    return [Named(row["page_url"], row["count"]) for row in rows]


def sources(client: Client, since: date) -> list[Named]:
    """The sources that answers rested on most."""
    rows = (
        Citation.objects.filter(message__in=_answers(client, since))
        .values("title")
        .annotate(count=Count("message", distinct=True))
        .order_by("-count", "title")[:TOP]
    )
    return [Named(row["title"], row["count"]) for row in rows]


def of_the_day(hours: Sequence[Hour]) -> list[int]:
    """Questions in each of the 24 hours of the day (UTC)."""
    found: Counter[int] = Counter()
    for hour in hours:
        found[hour.began.hour] += hour.answered + hour.unanswered
    return [found[hour] for hour in range(24)]


def change(now: int, before: int) -> int | None:
    """Percent more or less than before; None without any before."""
    return round(100 * (now - before) / before) if before else None


def as_rows(found: Sequence[Day]) -> list[tuple[str, int, int, int]]:
    return [(one.date.isoformat(), one.questions, one.answered, one.unanswered) for one in found]


def _answers(client: Client, since: date) -> MessageQuerySet:
    return Message.objects.answers_to_visitors(client).filter(created_at__gte=_midnight(since))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())
