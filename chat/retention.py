"""Delete conversations that are older than their client wants to keep them."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import Client
from chat.models import Conversation

BATCH = 500  # rows a transaction: a long one would hold up visitors


def delete_old(now: datetime) -> int:
    """How many conversations went. May run twice, and be killed at any moment."""
    keepers = Client.objects.filter(retention_days__isnull=False).order_by("pk")
    return sum(_delete_of(client, now) for client in keepers.iterator())


def _delete_of(client: Client, now: datetime) -> int:
    before = now - timedelta(days=client.retention_days or 0)
    old = Conversation.objects.for_client(client).silent_since(before).order_by("pk")
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        Conversation.objects.filter(pk__in=batch).delete()
        deleted += len(batch)
    return deleted
