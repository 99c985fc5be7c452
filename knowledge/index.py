"""The vector index against the database: is it whole, and if not, make it anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from knowledge import sizes
from knowledge.embedding import for_index, unpack
from knowledge.engine.catalogue import EmbeddingModel
from knowledge.engine.embed import Vector
from knowledge.models import KnowledgeBase, Passage, Source
from knowledge.vectors import CollectionBroken, VectorsDown, vectors

Packed = bytes | memoryview

SAMPLED = 20
BATCH = 500
NEAR = 5  # passages of the same words have the same vector: any of the first few will do


@dataclass(frozen=True, slots=True)
class Health:
    """Passages that must be in Chroma, those that are, and those that may be; of those sampled,
    how many find themselves."""

    stored: int
    indexed: int
    most: int
    sampled: int
    found: int

    @property
    def ok(self) -> bool:
        return self.stored <= self.indexed <= self.most and self.sampled == self.found


def check(base: KnowledgeBase) -> Health:
    """Compare a base's collection with the database.

    Counting is not enough: damaged collections were seen that gave the right count while a quarter
    of their vectors could not be found any more. Raises VectorsDown.
    """
    everything = Passage.objects.filter(source__knowledge_base=base)
    stored = everything.indexed().values_list("pk", "embedding")
    # Of a source that is being read more may be there already, and of one that is deleted still.
    return compare(base, base.collection, stored, base.model, most=everything.count())


def compare(
    base: KnowledgeBase,
    collection: str,
    rows: QuerySet[Any, tuple[int, Packed]],
    model: EmbeddingModel,
    *,
    most: int | None = None,
) -> Health:
    """A collection of a base with the vectors, by this model, that should be in it; it may have
    `most` where they are not all. Raises VectorsDown."""
    sample = {
        passage_id: for_index(model, unpack([bytes(packed)]))[0]
        for passage_id, packed in rows.order_by("?")[:SAMPLED]
    }
    stored = rows.count()
    most = stored if most is None else most
    try:
        found = sum(_finds_itself(base, collection, *one) for one in sample.items())
        return Health(stored, vectors(base.shard).count(collection), most, len(sample), found)
    except CollectionBroken:
        return Health(stored, 0, most, len(sample), 0)


def _finds_itself(base: KnowledgeBase, collection: str, passage_id: int, vector: Vector) -> bool:
    near = vectors(base.shard).nearest(collection, vector, NEAR)
    return any(one.passage_id == passage_id or one.cosine > 0.9999 for one in near)


def rebuild(base: KnowledgeBase, *, beat: Callable[[], object] = lambda: None) -> None:
    """Drop a base's collection and fill it from the database. Raises VectorsDown.

    `beat` is called before each batch. It ends when the base has moved away meanwhile.

    No embedding model is called. Searches go on meanwhile, by words alone where vectors lack.
    """
    sizes.recount(base)
    vectors(base.shard).drop(base.collection)
    # What was stored before now is found here; whoever stores more puts it in.
    wanted = Passage.objects.filter(source__knowledge_base=base).indexable()
    rows, last = wanted.order_by("pk").values_list("pk", "embedding"), 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        beat()
        if not KnowledgeBase.objects.filter(pk=base.pk, generation=base.generation).exists():
            raise VectorsDown("its vectors lie elsewhere by now")
        last = batch[-1][0]
        ids, packed = zip(*batch, strict=True)
        rows_of_index = for_index(base.model, unpack(bytes(one) for one in packed))
        vectors(base.shard).add(base.collection, ids, rows_of_index)
    ready = Source.objects.filter(knowledge_base=base, state=Source.State.READY)
    ready.update(indexed_version=F("live_version"))
