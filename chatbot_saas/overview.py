"""What the first page of the dashboard tells: how far the set-up is, and how the chat is doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum
from django.utils import timezone

from accounts.models import Client
from chat.analytics import change
from chat.models import Bot, Conversation, Message, MessageQuerySet, Sighting
from knowledge.models import KnowledgeBase, Source

DAYS = 30
LATEST = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the checklist. `done_at` is when something real ticked it."""

    title: str
    page: str
    done: bool
    note: str
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the last DAYS days, and of as many before; questions of visitors alone."""

    questions: int
    questions_before: int
    answered: int
    sources: int
    working: int
    failed: int
    passages: int

    @property
    def change(self) -> int | None:
        """Percent more or less than in the days before; None without any before."""
        return change(self.questions, self.questions_before)


def figures(client: Client) -> Figures:
    now = timezone.now()
    start, before = now - timedelta(days=DAYS), now - timedelta(days=2 * DAYS)
    lately = Q(created_at__gte=start)
    asked = Message.objects.answers_to_visitors(client).filter(created_at__gte=before)
    counts = asked.aggregate(
        questions=Count("pk", filter=lately),
        questions_before=Count("pk", filter=~lately),
        answered=Count("pk", filter=lately & Q(answered=True)),
    )
    sources = Source.objects.for_client(client).aggregate(
        sources=Count("pk"),
        working=Count("pk", filter=Q(state__in=Source.WORKING)),
        failed=Count("pk", filter=Q(state=Source.State.FAILED)),
    )
    bases = KnowledgeBase.objects.for_client(client)
    passages = bases.aggregate(passages=Sum("live_passages"))["passages"] or 0
    return Figures(**counts, **sources, passages=passages)


def steps(client: Client, bot: Bot | None, now: Figures) -> list[Step]:
    """The checklist, ticked by what really happened."""
    return [_first_source(now), _first_question(client), _style(bot), _first_sighting(client)]


def unanswered(client: Client) -> MessageQuerySet:
    """The latest answers that found nothing, each with its `question`."""
    missed = Message.objects.answers_to_visitors(client).filter(answered=False)
    return missed.with_question().select_related("conversation").order_by("-pk")[:LATEST]


def _first_source(now: Figures) -> Step:
    ready = now.sources - now.working - now.failed
    plural = "" if ready == 1 else "s"
    note = f"{ready} source{plural}, {now.passages} passages" if ready else "A file is enough"
    if now.working and not ready:
        note = "Being read…"
    return Step("Add your first source", "knowledge", ready > 0, note)


def _first_question(client: Client) -> Step:
    tries = Conversation.objects.for_client(client)
    tried = tries.filter(channel=Conversation.Channel.PLAYGROUND).order_by("-last_message_at")
    at = tried.values_list("last_message_at", flat=True).first()
    return Step(
        "Ask it in the playground", "playground", at is not None, "See what it rests on", at
    )


def _style(bot: Bot | None) -> Step:
    at = bot.styled_at if bot else None
    return Step(
        "Style the widget", "widget", at is not None, "Name, colour, greeting, websites", at
    )


def _first_sighting(client: Client) -> Step:
    seen = Sighting.objects.for_client(client).filter(refused=False).order_by("-last_at").first()
    if seen is None:
        return Step(
            "Paste the line into your site", "widget", False, "Waiting for its first opening"
        )
    title = "Paste the line into your site"
    return Step(title, "widget", True, f"Opened on {seen.origin}", seen.last_at)
