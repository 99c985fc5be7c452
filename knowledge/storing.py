"""Batches of passages of one or several sources: embedded, and kept in one transaction each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from django.db import transaction

from knowledge import lexical
from knowledge.embedding import embedder_for, pack
from knowledge.engine.embed import Matrix
from knowledge.engine.errors import EmbedderDown
from knowledge.engine.sandbox import Reading
from knowledge.engine.split import Piece
from knowledge.engine.terms import counted
from knowledge.jobs import LeaseLost, renew
from knowledge.models import KnowledgeBase, Passage, Source
from knowledge.sizes import NOTHING, Size

READING_SHARE = 0.1  # of the progress shown; embedding takes nearly all of the time


@dataclass(slots=True)
class Work:
    """A source on its way, as far as it has come."""

    source: Source
    before: int = 0  # passages that earlier attempts stored
    stored: int = 0  # passages, with those
    pushed: int = 0  # into the index, from the first one on
    size: Size = NOTHING  # of what was stored this time
    characters: int = 1
    end: int = 0  # where the last passage ends, in characters
    is_long: bool = False  # its characters are an estimate
    note: str = ""  # what of its file could not be read
    facts: dict[str, object] = field(default_factory=dict)  # for its row, with the next change
    is_indexed: bool = True  # as far as it is stored
    is_ready: bool = False
    is_over: bool = False  # ready, put down, failed, or somebody else's

    def resume(self, stored: int, end: int) -> None:
        """Go on after what earlier attempts stored."""
        self.before = self.stored = stored
        self.pushed = min(self.source.pushed, stored)
        self.end = end

    def begin(self, text: Reading) -> None:
        self.characters, self.is_long = max(text.characters, 1), text.is_long
        self.note = text.note[:300]
        self.facts = {
            "state": Source.State.EMBEDDING,
            "characters": text.characters,
            "language": text.language,
            "title": (text.title or self.source.title)[:255],
        }

    def progress(self, end: int) -> float:
        """As it is shown, once the text up to this place is stored; it never goes back."""
        share = min(end / self.characters, 1.0)
        return max(READING_SHARE + (1 - READING_SHARE) * share, self.source.progress)


@dataclass(frozen=True, slots=True)
class Part:
    """What a batch holds of one source; after the last one its text is at its end."""

    work: Work
    pieces: Sequence[Piece]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Passages to be, with their vectors by the model of this name, or why there are none."""

    parts: Sequence[Part]
    model: str
    vectors: Matrix = field(default_factory=lambda: np.empty((0, 0), np.float32))
    error: EmbedderDown | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What was kept of a batch, for the index: a vector for each of `ids`, which are those of the
    parts one after the other."""

    parts: Sequence[Part]
    ids: Sequence[int]
    vectors: Matrix
    model: str
    shard: str
    collection: str


class _ModelChanged(Exception):
    """The knowledge base got another embedding model, language or server meanwhile."""


def embed(model: str, parts: Sequence[Part]) -> Batch:
    """Never raises for what a model may do: the batches before it come first."""
    texts = [piece.indexed_text for part in parts for piece in part.pieces]
    if not texts:
        return Batch(parts, model)
    try:
        return Batch(parts, model, embedder_for(model).embed(texts))
    except EmbedderDown as error:
        return Batch(parts, model, error=error)


def store(base: KnowledgeBase, batch: Batch) -> Stored:
    """Keep those of a batch whose leases are held; embedded once more when the base got another
    model meanwhile. Raises EmbedderDown."""
    if batch.error:
        raise batch.error
    try:
        return _store(base, batch)
    except _ModelChanged:
        base.refresh_from_db()
        return store(base, embed(base.embedding_model, batch.parts))


def _is_unchanged(base: KnowledgeBase) -> bool:
    """Whether its vectors are still made as when `base` was read; it stays so to the commit.

    A change of model, or a move, waits here, or has seen all passages that were stored before it.
    """
    same = KnowledgeBase.objects.filter(
        pk=base.pk,
        generation=base.generation,
        embedding_model=base.embedding_model,
        language=base.language,
    )
    return same.select_for_update(no_key=True).exists()


def _store(base: KnowledgeBase, batch: Batch) -> Stored:
    if batch.model != base.embedding_model:
        raise _ModelChanged
    words = [
        [counted(piece.indexed_text, base.language) for piece in part.pieces]
        for part in batch.parts
    ]
    rows = _split(batch)
    # All that can be made before is: on SQLite nobody else writes from here to the commit.
    passages = list(map(_passages, batch.parts, words, rows))
    packed = list(map(lexical.packed, words))
    with transaction.atomic():
        # The sources are locked before the base, as everywhere.
        kept = [at for at, part in enumerate(batch.parts) if _is_ours(part)]
        if kept and not _is_unchanged(base):  # with its sources the base may be gone as well
            raise _ModelChanged
        stored = [one for at in kept for one in passages[at]]
        Passage.objects.bulk_create(stored)
        lexical.store(base, [(passages[at], packed[at]) for at in kept if passages[at]])
    for at in kept:
        _note(batch.parts[at], words[at])
    return Stored(
        parts=[batch.parts[at] for at in kept],
        ids=[one.pk for one in stored],
        vectors=np.concatenate([rows[at] for at in kept] or [batch.vectors[:0]]),
        model=batch.model,
        shard=base.shard,
        collection=base.collection,
    )


def _split(batch: Batch) -> list[Matrix]:
    """The vectors of each part."""
    return np.split(batch.vectors, np.cumsum([len(part.pieces) for part in batch.parts])[:-1])


def _is_ours(part: Part) -> bool:
    """Whether the lease is held still; says in the row how far it is."""
    work = part.work
    if work.is_over:
        return False
    progress = work.progress(part.pieces[-1].end if part.pieces else work.end)
    try:
        # What was stored is no failed try.
        renew(work.source, progress=progress, pushed=work.pushed, attempts=0, **work.facts)
    except LeaseLost:
        work.is_over = True
        return False
    return True


def _passages(part: Part, words: Sequence[Counter[int]], vectors: Matrix) -> list[Passage]:
    source = part.work.source
    return [
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
        for piece, counts, vector in zip(part.pieces, words, vectors, strict=True)
    ]


def _note(part: Part, words: Sequence[Counter[int]]) -> None:
    work = part.work
    work.facts = {}
    work.stored += len(part.pieces)
    work.size += Size(len(part.pieces), sum(counts.total() for counts in words))
    if part.pieces:
        work.end = part.pieces[-1].end
