"""What the client's API takes and gives; the names are the contract of docs/api.md."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from knowledge.models import Source
from knowledge.retrieve import Hit

MOST_HITS = 50


def source_json(source: Source) -> dict[str, object]:
    return {
        "id": source.public_id,
        "bot": source.bot_id,
        "kind": source.kind,
        "title": source.title,
        "url": source.url,
        "status": source.state,
        "progress": source.progress,
        "passages": source.passage_count,
        "bytes": source.bytes,
        "error": source.error,
        "note": source.note,
        "created_at": source.created_at,
        "ready_at": source.ready_at,
    }


class SearchSerializer(serializers.Serializer[Any]):
    bot = serializers.CharField(max_length=40)
    query = serializers.CharField(max_length=4000)
    k = serializers.IntegerField(min_value=1, max_value=MOST_HITS, default=5)


def hit_json(hit: Hit) -> dict[str, object]:
    body: dict[str, object] = {
        "id": str(hit.id),
        "source_id": hit.source_id,
        "title": hit.title,
        "text": hit.text,
        "score": round(hit.score, 4),
        "start": hit.start,
        "end": hit.end,
    }
    return body if hit.page is None else body | {"page": hit.page}
