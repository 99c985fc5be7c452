"""Find what the index is behind with."""

from __future__ import annotations

from django.db.models import F

from knowledge import ingest
from knowledge.models import Source
from knowledge.vectors import shards, vectors

MOST_AT_ONCE = 200


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
