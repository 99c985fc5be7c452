"""What answers use no more: at once out of their sight, then out of the index and the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils import timezone

from knowledge import sizes
from knowledge.discard import discard
from knowledge.models import (
    KnowledgeBase,
    Passage,
    PassageQuerySet,
    Reembedding,
    Segment,
    Source,
    WebPage,
)
from knowledge.vectors import VectorsDown, vectors

logger = logging.getLogger(__name__)

REMOVED_AT_ONCE = 500


def hide(source: Source, *, note: Callable[[Source], object] | None = None) -> bool:
    """Let answers use a source no more, nor any list show it; `note` is called in the transaction.

    What it is made of goes with `remove`, which takes its time. False when it is hidden already.
    """
    with transaction.atomic():
        there = Source.objects.filter(pk=source.pk).exclude(state=Source.State.GONE)
        if not there.select_for_update().exists():
            return False
        sizes.change(source.knowledge_base, minus=sizes.of(source.passages.live()))
        if note:
            note(source)
        WebPage.objects.filter(source=source).update(source=None)
        there.hide()
    return True


def remove(source: Source, *, note: Callable[[Source], object] | None = None) -> None:
    """Delete a source, its passages, files and vectors. Harmless to call twice, at once or again.

    `note` is called in the transaction that hides it.
    """
    hide(source, note=note)
    same = Source.objects.filter(pk=source.pk)

    def beat() -> None:
        same.update(heartbeat_at=timezone.now())  # so that the sweep sends nobody else after it

    remove_passages(source, source.passages.all(), beat=beat)
    for file in filter(None, {source.file, source.previous.get("file")}):
        discard(file)
    same.delete()


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
            vectors(current.shard).remove(collection, passage_ids)
    except VectorsDown:
        # They stay in the index until it is rebuilt; a hit without a live passage is dropped.
        logger.warning("%s passages stay in the index of %s", len(passage_ids), base.public_id)


def forget_strays(base: KnowledgeBase, passage_ids: Sequence[int]) -> None:
    """Of passages that were indexed just now, those that were deleted at the same moment."""
    there = set(Passage.objects.filter(pk__in=passage_ids).values_list("pk", flat=True))
    if strays := [one for one in passage_ids if one not in there]:
        forget_vectors(base, strays)
