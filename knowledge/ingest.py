"""Sources from their files to passages that answers may use: read, split, embed, store, index.

What is read goes through as one stream of batches: while one is stored, the next ones are embedded
and the one before goes into the index of vectors. The stream is of one long source, or of several
short ones of one base, which so share the embedding server's, the database's and the index's calls.

Reading and splitting the same bytes gives the same passages: whoever takes a source up goes on
where the one before stopped. Each batch is stored in one transaction that first checks the leases
(jobs.py), so two workers can never both store it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby, islice
from operator import itemgetter

from django.db.models import Count, F, Max

from chatbot_saas.lib.ahead import ahead
from knowledge import indexing, languages, storing
from knowledge.engine.errors import EmbedderDown, Unreadable
from knowledge.engine.split import Piece
from knowledge.jobs import Paused, claim, outcome, renew
from knowledge.models import Passage, Source
from knowledge.publishing import delete_older, publish
from knowledge.removal import forget_strays
from knowledge.storing import Batch, Part, Stored, Work
from knowledge.texts import Texts
from knowledge.vectors import VectorsDown

# A batch that was stored, and what kept it from the index.
Pushed = tuple[Stored, VectorsDown | None]


def ingest(source_id: int) -> None:
    """Take the source to ready or failed. Harmless to call twice, at once or again."""
    if (source := claim(source_id)) is not None:
        run([source])


def run(sources: Sequence[Source], *, is_over: Callable[[], bool] = lambda: False) -> None:
    """Take claimed sources of one base as far as they come; each of their rows says how far. Those
    that are not done when `is_over`, after some batch, are put down for others."""
    _Stream(sources, is_over).run()


class _Stream:
    """Sources on their way through all steps. The threads of some steps touch no row."""

    def __init__(self, sources: Sequence[Source], is_over: Callable[[], bool]) -> None:
        self.base = sources[0].knowledge_base
        # In one order, in which their rows are locked: two that want the same wait, and no more.
        self.works = [Work(source) for source in sorted(sources, key=lambda one: one.pk)]
        self.is_over = is_over
        self.is_stopped = False
        self.index_is_down = False

    def run(self) -> None:
        self._count_stored()
        with (
            closing(ahead(self._batches(), self._embed, beat=self._beat)) as embedded,
            closing(ahead(self._stored(embedded), self._push, depth=1, beat=self._beat)) as pushed,
        ):
            for stored, error in pushed:
                self._finish(stored, error)
        for work in self.works:
            with _ending(work):
                if not work.is_over:
                    raise Paused

    def _count_stored(self) -> None:
        """What earlier attempts have left of each."""
        own = Passage.objects.filter(source__in=[work.source.pk for work in self.works])
        of_version = own.filter(version=F("source__version")).order_by().values_list("source")
        found = {pk: left for pk, *left in of_version.annotate(Count("pk"), Max("end"))}
        for work in self.works:
            if left := found.get(work.source.pk):
                work.resume(*left)

    def _batches(self) -> Iterator[list[Part]]:
        """As many pieces as the model takes at once, of one source after another."""
        with closing(Texts(self.works, beat=self._beat)) as texts:
            pieces = self._pieces(texts)
            while batch := list(islice(pieces, self.base.model.batch)):
                yield [_part(work, list(own)) for work, own in groupby(batch, key=itemgetter(0))]

    def _pieces(self, texts: Texts) -> Iterator[tuple[Work, Piece | None]]:
        """Of each source what was not stored before, and None at its end."""
        for work in self.works:
            if not self.is_stopped:
                with _ending(work):
                    yield from self._read(work, texts)

    def _read(self, work: Work, texts: Texts) -> Iterator[tuple[Work, Piece | None]]:
        self._prepare(work)
        with texts.open(work) as text:
            languages.settle(self.base, text.language, text.characters)
            work.begin(text)
            for piece in text.pieces:
                yield work, piece
                if self.is_stopped or work.is_over:  # what was begun is paid for, and stored
                    return
        yield work, None

    def _prepare(self, work: Work) -> None:
        """Clear up after the versions before, and index what an earlier attempt only stored."""
        delete_older(work.source)
        if work.pushed < work.before:
            missing = work.source.passages.filter(
                version=work.source.version, position__gte=work.pushed
            )
            work.is_indexed = indexing.push_passages(work.source, missing, beat=self._beat)

    def _embed(self, parts: Sequence[Part]) -> Batch:
        return storing.embed(self.base.embedding_model, parts)  # another one by now, perhaps

    def _stored(self, embedded: Iterator[Batch]) -> Generator[Stored]:
        for batch in embedded:
            try:
                stored = storing.store(self.base, batch)
            except EmbedderDown as error:
                _end(batch.parts, error)
            else:
                yield stored
                self.is_stopped = self.is_stopped or self.is_over()

    def _push(self, stored: Stored) -> Pushed:
        if self.index_is_down:
            return stored, VectorsDown("it was down a moment ago")
        return stored, indexing.push(stored)

    def _finish(self, stored: Stored, error: VectorsDown | None) -> None:
        """Publish those of which this was the last, and note how far the others are."""
        works = [part.work for part in stored.parts]
        if error is not None:
            self._note_down(works, error)
        for part in stored.parts:
            with _ending(part.work):
                _settle(part)
        done = [part.work for part in stored.parts if part.is_last and not part.work.is_over]
        if done:
            publish(self.base, done)
        if error is None and any(work.is_over and not work.is_ready for work in works):
            forget_strays(self.base, stored.ids)

    def _note_down(self, works: Sequence[Work], error: VectorsDown) -> None:
        if not self.index_is_down:
            indexing.note_down(self.base, [work.source for work in works], error)
        self.index_is_down = True
        for work in works:
            work.is_indexed = False

    def _beat(self) -> None:
        for work in self.works:
            if not work.is_over:
                with _ending(work):
                    renew(work.source)


@contextmanager
def _ending(work: Work) -> Iterator[None]:
    """What ends the work on one source in here ends it for no other one."""
    is_ended = True
    with outcome(work.source):
        yield
        is_ended = False
    work.is_over = work.is_over or is_ended


def _end(parts: Sequence[Part], error: EmbedderDown) -> None:
    for part in parts:
        with _ending(part.work):
            if not part.work.is_over:
                raise error


def _part(work: Work, items: Sequence[tuple[Work, Piece | None]]) -> Part:
    pieces = [piece for _, piece in items if piece is not None]
    return Part(work, pieces, is_last=len(pieces) < len(items))


def _settle(part: Part) -> None:
    """A part is stored, and in the index as far as it can be."""
    work = part.work
    if work.is_over:
        return
    if part.is_last and not work.stored:
        raise Unreadable("There is no text in this file.")
    if part.pieces and work.is_indexed:
        work.pushed = part.pieces[-1].position + 1
    if not part.is_last:
        renew(work.source, pushed=work.pushed)
