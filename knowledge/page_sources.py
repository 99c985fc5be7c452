"""Sources that are pages of websites: new ones, and new versions of those that there are."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chatbot_saas.lib.after_commit import after_commit
from knowledge import ingest, tasks
from knowledge.discard import discard
from knowledge.models import KnowledgeBase, Source


@dataclass(frozen=True, slots=True)
class PageFile:
    """A page in the storage, as the file `name`; `sha256` is of its text."""

    url: str
    title: str
    name: str
    bytes: int
    sha256: str


def holder(base: KnowledgeBase, sha256: str) -> Source | None:
    """The source that has this text already."""
    same = Source.objects.filter(knowledge_base=base, sha256=sha256)
    return same.exclude(state=Source.State.FAILED).first()


def add(base: KnowledgeBase, page: PageFile) -> Source:
    """A new source, queued. The file is its own from now on."""
    source = Source.objects.create(
        knowledge_base=base,
        kind=Source.Kind.PAGE,
        title=(page.title or page.url)[:255],
        url=page.url,
        format="html",
        file=page.name,
        bytes=page.bytes,
        sha256=page.sha256,
    )
    after_commit(tasks.ingest_next.delay)
    return source


@transaction.atomic
def replace(source: Source, page: PageFile) -> None:
    """Read a new version of a source; answers use the one before until the new one is ready."""
    before = Source.objects.select_for_update().filter(pk=source.pk).first()
    if before is None:  # deleted by hand at this moment
        after_commit(discard, page.name)
        return
    Source.objects.filter(pk=source.pk).update(
        version=F("version") + 1,
        url=page.url,
        file=page.name,
        bytes=page.bytes,
        sha256=page.sha256,
        state=Source.State.QUEUED,
        progress=0,
        error="",
        attempts=0,
        lease="",
        heartbeat_at=timezone.now(),
    )
    # Of a version that never became ready: it was not counted, and nobody will finish it.
    unfinished = before.passages.exclude(version=before.live_version)
    ids = list(unfinished.values_list("pk", flat=True))
    unfinished.delete()
    after_commit(_clear, source.knowledge_base, ids, before.file, page.name)
    after_commit(tasks.ingest_next.delay)


def _clear(base: KnowledgeBase, passage_ids: list[int], old: str, new: str) -> None:
    if old and old != new:
        discard(old)
    if passage_ids:
        ingest.forget(base, passage_ids)
