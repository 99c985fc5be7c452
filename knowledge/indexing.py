"""Vectors into Chroma: those of a batch as it comes, and those of a source that it still lacks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import connection

from knowledge.embedding import for_index, unpack
from knowledge.engine.catalogue import model_of
from knowledge.models import KnowledgeBase, PassageQuerySet, Source
from knowledge.storing import Stored
from knowledge.vectors import CollectionBroken, VectorsDown, vectors

logger = logging.getLogger(__name__)

PUSHED_AT_ONCE = 500


def push(stored: Stored) -> VectorsDown | None:
    """Put a stored batch into the index; what was in the way, if anything. For a thread."""
    rows = for_index(model_of(stored.model), stored.vectors)
    try:
        vectors(stored.shard).add(stored.collection, stored.ids, rows)
    except VectorsDown as error:
        return error
    finally:
        connection.close()  # on PostgreSQL writers take turns by a lock there (lib.alone)
    return None


def push_source(source: Source) -> bool:
    """Put all of a source's version in; False when Chroma is down: the sweeper tries again.

    Should the base change its model or its server meanwhile, that brings these passages along.
    """
    passages = source.passages.filter(version=source.version)
    return push_passages(source, passages, beat=lambda: None)


def push_passages(source: Source, passages: PassageQuerySet, *, beat: Callable[[], object]) -> bool:
    """The same with some of them; `beat` is called before each batch."""
    base = KnowledgeBase.objects.filter(pk=source.knowledge_base_id).first()
    if base is None:
        return False
    rows, last = passages.order_by("position").values_list("pk", "embedding", "position"), -1
    try:
        # Not one query for all: on SQLite `beat` could not write while it is open.
        while batch := list(rows.filter(position__gt=last)[:PUSHED_AT_ONCE]):
            beat()
            same = Source.objects.filter(pk=source.pk, knowledge_base__generation=base.generation)
            if not same.exclude(state=Source.State.GONE).exists():
                return False  # deleted or moved meanwhile: its vectors must not come back here
            ids, packed, positions = zip(*batch, strict=True)
            rows_of_index = for_index(base.model, unpack(map(bytes, packed)))
            vectors(base.shard).add(base.collection, ids, rows_of_index)
            last = positions[-1]
    except VectorsDown as error:
        note_down(base, [source], error)
        return False
    return True


def note_down(base: KnowledgeBase, sources: Sequence[Source], error: VectorsDown) -> None:
    """These are not in the index yet; a collection that is broken is to be made anew."""
    if isinstance(error, CollectionBroken):
        logger.warning("the index of %s is broken: %s", base.public_id, error)
        KnowledgeBase.objects.filter(pk=base.pk).doubt()
        return
    names = ", ".join(source.public_id for source in sources)
    logger.warning("%s are not in the index yet: %s", names, error)
