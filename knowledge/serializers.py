"""What the client's API takes and gives; the names are the contract of docs/api.md."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from knowledge.models import Source
from knowledge.retrieve import Hit

MOST_HITS = 50


class SourceSerializer(serializers.ModelSerializer[Source]):
    id = serializers.CharField(source="public_id")
    bot = serializers.SerializerMethodField()
    status = serializers.CharField(source="state")
    passages = serializers.IntegerField(source="passage_count")

    class Meta:
        model = Source
        fields = (
            "id",
            "bot",
            "kind",
            "title",
            "url",
            "status",
            "progress",
            "passages",
            "bytes",
            "error",
            "created_at",
            "ready_at",
        )

    def get_bot(self, source: Source) -> str | None:
        # Bots live in the layer above; the relation back is the database's.
        base: Any = source.knowledge_base
        bots = base.bots.all()
        return bots[0].public_id if bots else None


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
