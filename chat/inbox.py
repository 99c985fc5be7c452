"""Conversations as the client's staff read them: found, filtered, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client
from chat.models import Conversation, ConversationQuerySet, Message


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for; empty fields let everything through."""

    text: str = ""
    channel: str = ""
    days: int = 0
    unanswered: bool = False


def find(client: Client, wanted: Wanted) -> ConversationQuerySet:
    """Newest activity first, each with `question`, `messages_count` and `missed`."""
    found = Conversation.objects.for_client(client)
    if wanted.channel:
        found = found.filter(channel=wanted.channel)
    else:
        found = found.of_visitors()
    if wanted.days:
        found = found.filter(last_message_at__gte=timezone.now() - timedelta(days=wanted.days))
    messages = Message.objects.filter(conversation=OuterRef("pk"))
    if wanted.unanswered:
        found = found.filter(Exists(messages.filter(answered=False)))
    if wanted.text:
        found = found.filter(Exists(messages.filter(text__icontains=wanted.text)))
    first = messages.filter(role=Message.Role.VISITOR).order_by("pk")
    return (
        found.annotate(
            question=Subquery(first.values("text")[:1]),
            messages_count=Count("messages"),
            missed=Count("messages", filter=Q(messages__answered=False)),
        )
        .select_related("bot")
        .order_by("-last_message_at", "-pk")
    )


@transaction.atomic
def delete(request: HttpRequest, conversation: Conversation) -> None:
    """Remove a conversation with everything that was said in it."""
    name = conversation.public_id
    conversation.delete()
    audit.record(request, conversation.bot.client, Action.CONVERSATION_DELETED, name)
