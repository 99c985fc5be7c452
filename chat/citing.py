"""Which questions a document helped to answer lately. Visitors' alone: own tries do not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Client
from chat.models import Citation, Message, MessageQuerySet
from knowledge.models import Source

NEWEST = 20
DAYS = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that the document was cited for, and the conversation it stands in."""

    question: str
    conversation: str
    at: datetime


def lately(client: Client, source: Source) -> Sequence[Asked]:
    """The newest ones, whenever they were asked."""
    found = _citing(client, source).with_question().order_by("-pk")
    rows = found.values_list("question", "conversation__public_id", "created_at")[:NEWEST]  # type: ignore[misc]
    return [Asked(question or "", conversation, at) for question, conversation, at in rows]


def count(client: Client, source: Source) -> int:
    """How many answers cited it in the last 30 days."""
    since = timezone.now() - timedelta(days=DAYS)
    return _citing(client, source).filter(created_at__gte=since).count()


def _citing(client: Client, source: Source) -> MessageQuerySet:
    citations = Citation.objects.filter(source_id=source.public_id).values("message")
    return Message.objects.answers_to_visitors(client).filter(pk__in=citations)
