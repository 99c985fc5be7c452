"""A source's version that is stored becomes the one that answers use."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from knowledge import sizes
from knowledge.discard import discard
from knowledge.jobs import LeaseLost, renew
from knowledge.models import KnowledgeBase, Segment, Source
from knowledge.removal import remove_passages
from knowledge.sizes import NOTHING, Size
from knowledge.storing import Work


def publish(base: KnowledgeBase, works: Sequence[Work]) -> None:
    """Let answers use these versions, each instead of the one before, in one step. Those whose
    lease is lost stay as they are."""
    replaced = {work.source.pk: work.source.previous.get("file") for work in works}
    with transaction.atomic():
        minus = {work.source.pk: _answering(work.source) for work in works}
        # All of the sources are locked before the base, as everywhere.
        shown = [work for work in works if _show(work)]
        sizes.change(
            base,
            plus=sum((_size(work) for work in shown), NOTHING),
            minus=sum((minus[work.source.pk] for work in shown), NOTHING),
        )
    for work in shown:
        file = replaced[work.source.pk]
        if file and file != work.source.file:
            discard(file)
        delete_older(work.source)


def _show(work: Work) -> bool:
    source = work.source
    work.is_over = True
    if work.is_long:
        work.facts["characters"] = work.end
    try:
        renew(
            source,
            state=Source.State.READY,
            progress=1.0,
            live_version=source.version,
            indexed_version=source.version if work.is_indexed else 0,
            ready_at=timezone.now(),
            error="",
            note=work.note,
            previous={},
            lease="",
            **work.facts,
        )
    except LeaseLost:
        return False
    work.is_ready = True
    return True


def _answering(source: Source) -> Size:
    return sizes.of(source.passages.live()) if source.live_version else NOTHING


def _size(work: Work) -> Size:
    """Of all of its version."""
    return sizes.of(work.source.passages.live()) if work.before else work.size


def delete_older(source: Source) -> None:
    """What no answer uses any more, nor will: versions before this one that are not live."""
    if source.version > 1:
        remove_passages(source, source.passages.filter(version__lt=source.version).unused())


def clear_leftovers() -> None:
    """The same of all sources: somebody was killed between showing a version and clearing up."""
    left = Segment.objects.unused().filter(source__state=Source.State.READY)
    sources = Source.objects.filter(pk__in=left.order_by().values("source"))
    for source in sources.select_related("knowledge_base"):
        delete_older(source)
