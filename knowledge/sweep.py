"""Find work that stopped: messages that got lost, workers that were killed, an index behind."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from knowledge import ingest
from knowledge.models import Source
from knowledge.vectors import shards, vectors

MOST_AT_ONCE = 200


def abandoned() -> list[int]:
    """Unfinished sources that nobody has touched for as long as a lease lasts."""
    now = timezone.now()
    stale = Source.objects.abandoned(now - timedelta(seconds=settings.INGEST_LEASE_SECONDS))
    found = list(stale.values_list("pk", flat=True)[:MOST_AT_ONCE])
    # Those that nobody has begun may simply stand in a long queue: ask again after a while only.
    Source.objects.filter(pk__in=found, lease="").update(heartbeat_at=now)
    return found


def unindexed() -> list[int]:
    """Ready sources that Chroma lacks, if it is up to take them."""
    waiting = list(Source.objects.unindexed().values_list("pk", flat=True)[:MOST_AT_ONCE])
    return waiting if waiting and any(vectors(shard).is_up() for shard in shards()) else []


def index(source: Source) -> None:
    """Bring a ready source's live passages into Chroma."""
    if source.indexed_version == source.live_version or not ingest.push_to_index(source):
        return
    same = Source.objects.filter(pk=source.pk, live_version=source.live_version)
    same.update(indexed_version=F("live_version"))
