"""Passages that answers use no more: out of the index of vectors, and then out of the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import transaction

from knowledge.models import (
    KnowledgeBase,
    Passage,
    PassageQuerySet,
    Reembedding,
    Segment,
    Source,
)
from knowledge.vectors import VectorsDown, vectors

logger = logging.getLogger(__name__)

REMOVED_AT_ONCE = 500


def remove_passages(
    source: Source, passages: PassageQuerySet, *, beat: Callable[[], object] = lambda: None
) -> None:
    """Delete these passages of the source, in batches of whole segments from the end of each
    version: who reads a version again goes on after those that are there.

    `beat` is called before each batch.
    """
    for version in passages.order_by().values_list("version", flat=True).distinct():
        beat()
        while _remove_some(source, passages.filter(version=version)):
            beat()


def _remove_some(source: Source, of_version: PassageQuerySet) -> bool:
    last = of_version.order_by("position").last()
    if last is None:
        return False
    segments = Segment.objects.filter(source=source, version=last.version)
    begin = max(last.position - REMOVED_AT_ONCE + 1, 0)
    cut = segments.filter(first__lt=begin, last__gte=begin).first()
    begin = cut.first if cut else begin
    ids = list(of_version.filter(position__gte=begin).values_list("pk", flat=True))
    forget_vectors(source.knowledge_base, ids)
    with transaction.atomic():
        segments.filter(first__gte=begin).delete()
        Passage.objects.filter(pk__in=ids).delete()
    return True


def forget_vectors(base: KnowledgeBase, passage_ids: Sequence[int]) -> None:
    """Take the vectors of these passages out of each index of the base, where it can be reached."""
    current = KnowledgeBase.objects.filter(pk=base.pk).first() or base
    try:
        for collection in Reembedding.objects.collections(current):
            vectors(base.shard).remove(collection, passage_ids)
    except VectorsDown:
        # They stay in the index until it is rebuilt; a hit without a live passage is dropped.
        logger.warning("%s passages stay in the index of %s", len(passage_ids), base.public_id)
