"""Find what the index is behind with, and changes of model that stopped."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from chatbot_saas.lib import lease
from chatbot_saas.lib.lease import stale_since
from knowledge import indexing
from knowledge.models import Reembedding, Source
from knowledge.vectors import shards, vectors

MOST_AT_ONCE = 200


def unindexed() -> list[int]:
    """Ready sources that Chroma lacks, if it is up to take them; each once in a while."""
    waiting = Source.objects.unindexed().filter(heartbeat_at__lt=stale_since())
    if not waiting.exists():
        return []
    down = [shard for shard in shards() if not vectors(shard).is_up()]
    up = waiting.exclude(knowledge_base__shard__in=down)
    found = list(up.values_list("pk", flat=True)[:MOST_AT_ONCE])
    Source.objects.filter(pk__in=found).update(heartbeat_at=timezone.now())
    return found


def gone() -> list[int]:
    """Deleted sources of which something is left, as far as nobody seems to be at it."""
    hidden = Source.objects.filter(state=Source.State.GONE, heartbeat_at__lt=stale_since())
    found = list(hidden.values_list("pk", flat=True)[:MOST_AT_ONCE])
    Source.objects.filter(pk__in=found).update(heartbeat_at=timezone.now())
    return found


def index(source: Source) -> None:
    """Bring a ready source's live passages into Chroma."""
    if source.state != Source.State.READY or source.indexed_version == source.live_version:
        return
    if not indexing.push_source(source):
        return
    same = Source.objects.filter(pk=source.pk, live_version=source.live_version)
    same.update(indexed_version=F("live_version"))


def abandoned_changes() -> list[tuple[int, int]]:
    """Unfinished changes of model that nobody has worked on for as long as a lease lasts, each
    with the turn that it waits for."""
    found = lease.abandoned(Reembedding.objects.abandoned(stale_since()), MOST_AT_ONCE)
    return list(Reembedding.objects.filter(pk__in=found).values_list("pk", "turn"))


def uncleared_changes() -> list[int]:
    """Ended ones whose leftovers nobody can be using any more."""
    uncleared = Reembedding.objects.uncleared(stale_since())
    return list(uncleared.values_list("pk", flat=True)[:MOST_AT_ONCE])
