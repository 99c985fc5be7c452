"""The vector index against the database: is it whole, and if not, make it anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from knowledge import ingest
from knowledge.embedding import for_index, unpack
from knowledge.engine.catalogue import EmbeddingModel
from knowledge.engine.embed import Vector
from knowledge.models import KnowledgeBase, Passage, PassageQuerySet, Source
from knowledge.vectors import CollectionBroken, vectors

Packed = bytes | memoryview

SAMPLED = 20
BATCH = 500
NEAR = 5  # passages of the same words have the same vector: any of the first few will do


@dataclass(frozen=True, slots=True)
class Health:
    """Passages in the database and in Chroma; of those sampled, how many find themselves."""

    stored: int
    indexed: int
    sampled: int
    found: int

    @property
    def ok(self) -> bool:
        return self.stored == self.indexed and self.sampled == self.found


def check(base: KnowledgeBase) -> Health:
    """Compare a base's collection with the database.

    Counting is not enough: damaged collections were seen that gave the right count while a quarter
    of their vectors could not be found any more. Raises VectorsDown.
    """
    stored = _live(base).values_list("pk", "embedding")
    return compare(base, base.collection, stored, base.model)


def compare(
    base: KnowledgeBase,
    collection: str,
    rows: QuerySet[Any, tuple[int, Packed]],
    model: EmbeddingModel,
) -> Health:
    """A collection of a base with the vectors, by this model, that should be in it. Raises
    VectorsDown."""
    sample = {
        passage_id: for_index(model, unpack([bytes(packed)]))[0]
        for passage_id, packed in rows.order_by("?")[:SAMPLED]
    }
    try:
        found = sum(_finds_itself(base, collection, *one) for one in sample.items())
        return Health(rows.count(), vectors(base.shard).count(collection), len(sample), found)
    except CollectionBroken:
        return Health(rows.count(), 0, len(sample), 0)


def _finds_itself(base: KnowledgeBase, collection: str, passage_id: int, vector: Vector) -> bool:
    near = vectors(base.shard).nearest(collection, vector, NEAR)
    return any(one.passage_id == passage_id or one.cosine > 0.9999 for one in near)


def rebuild(base: KnowledgeBase, *, beat: Callable[[], object] = lambda: None) -> None:
    """Drop a base's collection and fill it from the database. Raises VectorsDown.

    `beat` is called before each batch.

    No embedding model is called. Searches go on meanwhile, by words alone where vectors lack.
    """
    ingest.recount(base)
    vectors(base.shard).drop(base.collection)
    rows, last = _live(base).order_by("pk").values_list("pk", "embedding"), 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        beat()
        last = batch[-1][0]
        ids, packed = zip(*batch, strict=True)
        rows_of_index = for_index(base.model, unpack(bytes(one) for one in packed))
        vectors(base.shard).add(base.collection, ids, rows_of_index)
    ready = Source.objects.filter(knowledge_base=base, state=Source.State.READY)
    ready.update(indexed_version=F("live_version"))


def _live(base: KnowledgeBase) -> PassageQuerySet:
    return Passage.objects.live().filter(source__knowledge_base=base)
