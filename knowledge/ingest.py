"""One source from its file to passages that answers may use: read, split, embed, store, index.

Reading and splitting the same bytes gives the same passages: whoever takes a source up goes on
where the one before stopped. Each batch is stored in one transaction that first checks the lease
(jobs.py), so two workers can never both store it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from threading import Event

from django.db import transaction
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Greatest
from django.utils import timezone

from chatbot_saas.lib.ahead import ahead
from knowledge import languages, lexical
from knowledge.discard import discard
from knowledge.embedding import embedder_for, for_index, pack, unpack
from knowledge.engine.embed import Matrix
from knowledge.engine.errors import Unreadable
from knowledge.engine.sandbox import Reading, reading
from knowledge.engine.split import Piece
from knowledge.engine.terms import counted
from knowledge.engine.written import reading_of
from knowledge.jobs import LeaseLost, Paused, renew, work
from knowledge.local_copy import local_copy
from knowledge.models import (
    Faq,
    KnowledgeBase,
    Passage,
    Segment,
    Source,
    WebPage,
)
from knowledge.removal import remove_passages
from knowledge.vectors import CollectionBroken, VectorsDown, vectors

logger = logging.getLogger(__name__)

PUSHED_AT_ONCE = 500
READING_SHARE = 0.1  # of the progress shown; embedding takes nearly all of the time


class _ModelChanged(Exception):
    """The knowledge base got another embedding model, or another language, meanwhile."""


def ingest(source_id: int) -> None:
    """Take the source to ready or failed. Harmless to call twice, at once or again."""
    work(source_id, run)


def run(source: Source, *, is_over: Callable[[], bool] = lambda: False) -> None:
    """Take a claimed source to ready. Raises Paused when `is_over` after some batch, and whatever
    jobs.work_on understands."""
    _delete_older(source)
    with _reading(source) as text:
        languages.settle(source.knowledge_base, text.language, text.characters)
        stopped = Event()
        with closing(_embedded(source, text.pieces, stopped)) as batches:
            for batch in batches:
                _store(source, batch, share=_share(batch, text))
                if not stopped.is_set() and is_over():
                    stopped.set()  # what was begun is paid for: it is stored before the pause
        if stopped.is_set():
            raise Paused
    last = source.passages.filter(version=source.version).order_by("position").last()
    if last is None:
        raise Unreadable("There is no text in this file.")
    if text.is_long:
        renew(source, characters=last.end)
    indexed = push_to_index(source, beat=lambda: renew(source))
    _publish(source, indexed=indexed)


@contextmanager
def _reading(source: Source) -> Iterator[Reading]:
    """The text, and of its passages those that no earlier attempt has stored."""
    renew(source, state=Source.State.READING)
    stored = source.passages.filter(version=source.version).count()
    with _opened(source, skip=stored) as text:
        renew(
            source,
            state=Source.State.EMBEDDING,
            progress=max(source.progress, READING_SHARE),
            characters=text.characters,
            language=text.language,
            title=(text.title or source.title)[:255],
        )
        yield text


def _opened(source: Source, *, skip: int) -> AbstractContextManager[Reading]:
    if source.kind == Source.Kind.FAQ:
        return nullcontext(_written(source, skip))
    return _read(source, skip)


@contextmanager
def _read(source: Source, skip: int) -> Iterator[Reading]:
    def beat() -> None:
        renew(source)

    with (
        local_copy(source.file, beat=beat) as path,
        reading(path, source.format, title=source.title, skip=skip, beat=beat) as text,
    ):
        yield text


def _written(source: Source, skip: int) -> Reading:
    """What somebody typed stands in a row; it holds nothing that a process must be kept from."""
    faq = Faq.objects.filter(source=source).first()
    if faq is None:
        raise LeaseLost
    return reading_of(faq.question, faq.answer, skip=skip)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Passages to be, with their vectors by the model of this name."""

    pieces: Sequence[Piece]
    model: str
    vectors: Matrix


def _embedded(source: Source, pieces: Iterator[Piece], stopped: Event) -> Generator[_Batch]:
    """The pieces in batches, of which the next ones are embedded while one is being stored; no
    more of them once it is stopped."""
    base = source.knowledge_base

    def batches() -> Iterator[list[Piece]]:
        while not stopped.is_set() and (batch := list(islice(pieces, base.model.batch))):
            yield batch

    def embed(batch: Sequence[Piece]) -> _Batch:
        return _embed(base.embedding_model, batch)  # which may be another one by now

    return ahead(batches(), embed, beat=lambda: renew(source))


def _embed(model: str, pieces: Sequence[Piece]) -> _Batch:
    texts = [piece.indexed_text for piece in pieces]
    return _Batch(pieces, model, embedder_for(model).embed(texts))


def _share(batch: _Batch, text: Reading) -> float:
    """How much of the text is done with this batch, from 0 to 1."""
    return min(batch.pieces[-1].end / max(text.characters, 1), 1.0)


def _store(source: Source, batch: _Batch, *, share: float) -> None:
    """Keep a batch; embedded once more when the base got another model meanwhile."""
    try:
        _store_once(source, batch, share=share)
    except _ModelChanged:
        source.knowledge_base.refresh_from_db()
        anew = _embed(source.knowledge_base.embedding_model, batch.pieces)
        _store(source, anew, share=share)


def _is_unchanged(base: KnowledgeBase) -> bool:
    """Whether its vectors are still made as when `base` was read; it stays so to the commit.

    A change of model waits here, or has seen all passages that were stored before it.
    """
    same = KnowledgeBase.objects.filter(
        pk=base.pk,
        generation=base.generation,
        embedding_model=base.embedding_model,
        language=base.language,
    )
    return same.select_for_update(no_key=True).exists()


def _store_once(source: Source, batch: _Batch, *, share: float) -> None:
    base = source.knowledge_base
    if batch.model != base.embedding_model:
        raise _ModelChanged
    words = [counted(piece.indexed_text, base.language) for piece in batch.pieces]
    passages = [
        Passage(
            source=source,
            version=source.version,
            position=piece.position,
            text=piece.text,
            heading=piece.heading,
            pages=[list(pair) for pair in piece.pages],
            start=piece.start,
            end=piece.end,
            terms=counts.total(),
            embedding=pack(vector),
        )
        for piece, counts, vector in zip(batch.pieces, words, batch.vectors, strict=True)
    ]
    with transaction.atomic():
        # The source is locked before the base, as everywhere. What was stored is no failed try.
        renew(source, progress=READING_SHARE + (1 - READING_SHARE) * share, attempts=0)
        if not _is_unchanged(base):
            raise _ModelChanged
        Passage.objects.bulk_create(passages)
        lexical.store(base, passages, words)


def push_to_index(source: Source, *, beat: Callable[[], object] = lambda: None) -> bool:
    """Put the version's vectors into Chroma; False when it is down: the sweeper tries again.

    `beat` is called before each batch. Should the base change its model meanwhile, the change
    itself brings these passages along.
    """
    base = KnowledgeBase.objects.filter(pk=source.knowledge_base_id).first()
    if base is None:
        return False
    passages = source.passages.filter(version=source.version).order_by("position")
    rows, last = passages.values_list("pk", "embedding", "position"), -1
    try:
        # Not one query for all: on SQLite `beat` could not write while it is open.
        while batch := list(rows.filter(position__gt=last)[:PUSHED_AT_ONCE]):
            beat()
            if not Source.objects.filter(pk=source.pk).exclude(state=Source.State.GONE).exists():
                return False  # deleted meanwhile: its vectors must not come back
            ids, packed, positions = zip(*batch, strict=True)
            rows_of_index = for_index(base.model, unpack(map(bytes, packed)))
            vectors(base.shard).add(base.collection, ids, rows_of_index)
            last = positions[-1]
    except CollectionBroken as error:
        logger.warning("the index of %s is broken: %s", base.public_id, error)
        KnowledgeBase.objects.filter(pk=base.pk).doubt()
        return False
    except VectorsDown as error:
        logger.warning("source %s is not in the index yet: %s", source.public_id, error)
        return False
    return True


def _publish(source: Source, *, indexed: bool) -> None:
    """Let answers use this version instead of the one before, in one step."""
    replaced, base = source.previous.get("file"), source.knowledge_base
    with transaction.atomic():
        minus = _size(source.passages.live())
        renew(
            source,
            state=Source.State.READY,
            progress=1.0,
            live_version=source.version,
            indexed_version=source.version if indexed else 0,
            ready_at=timezone.now(),
            error="",
            previous={},
            lease="",
        )
        _resize(base, plus=_size(source.passages.live()), minus=minus)
    if replaced and replaced != source.file:
        discard(replaced)
    _delete_older(source)


def _delete_older(source: Source) -> None:
    """What no answer uses any more, nor will: versions before this one that are not live."""
    remove_passages(source, source.passages.filter(version__lt=source.version).unused())


def clear_leftovers() -> None:
    """The same of all sources: somebody was killed between showing a version and clearing up."""
    left = Segment.objects.unused().filter(source__state=Source.State.READY)
    sources = Source.objects.filter(pk__in=left.order_by().values("source"))
    for source in sources.select_related("knowledge_base"):
        _delete_older(source)


@dataclass(frozen=True, slots=True)
class Size:
    """What BM25 must know of a set of passages."""

    passages: int
    terms: int


def _size(passages: QuerySet[Passage]) -> Size:
    totals = passages.aggregate(count=Count("pk"), terms=Sum("terms"))
    return Size(totals["count"], totals["terms"] or 0)


def _resize(base: KnowledgeBase, *, plus: Size, minus: Size) -> None:
    KnowledgeBase.objects.filter(pk=base.pk).update(
        live_passages=Greatest(F("live_passages") + (plus.passages - minus.passages), 0),
        live_terms=Greatest(F("live_terms") + (plus.terms - minus.terms), 0),
    )


@transaction.atomic
def recount(base: KnowledgeBase) -> None:
    """Set the sizes anew from the passages that there are."""
    # Locked before counting: what is published meanwhile would be counted twice, or not at all.
    KnowledgeBase.objects.select_for_update(no_key=True).filter(pk=base.pk).first()
    size = _size(Passage.objects.live().filter(source__knowledge_base=base))
    same = KnowledgeBase.objects.filter(pk=base.pk)
    same.update(live_passages=size.passages, live_terms=size.terms)


def hide(source: Source, *, note: Callable[[Source], object] | None = None) -> bool:
    """Let answers use a source no more, nor any list show it; `note` is called in the transaction.

    What it is made of goes with `remove`, which takes its time. False when it is hidden already.
    """
    with transaction.atomic():
        there = Source.objects.filter(pk=source.pk).exclude(state=Source.State.GONE)
        if not there.select_for_update().exists():
            return False
        _resize(source.knowledge_base, plus=Size(0, 0), minus=_size(source.passages.live()))
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
