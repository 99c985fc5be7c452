"""The texts of sources, as they are read from files or stand in rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress

from chatbot_saas.lib.storage import StorageDown
from knowledge.engine.errors import Unreadable
from knowledge.engine.reading_processes import ServerGone
from knowledge.engine.sandbox import FileToRead, Reading, reading, reading_several
from knowledge.engine.written import reading_of
from knowledge.jobs import LeaseLost
from knowledge.local_copy import local_copy
from knowledge.models import Faq, Source
from knowledge.storing import Work

Beat = Callable[[], object]


class Texts:
    """Those of the sources of `works`, to be opened in their order.

    Short files are read by one process, which costs more to make than reading most of them. What
    that one does not give is read once more by a process of its own, with all that may come of it.
    """

    def __init__(self, works: Sequence[Work], *, beat: Beat) -> None:
        self._beat = beat
        short = [work.source for work in works if _is_short_file(work)]
        self._together = _read_together(short, beat)
        self._given = {source.pk for source in short}

    def close(self) -> None:
        self._together.close()

    @contextmanager
    def open(self, work: Work) -> Iterator[Reading]:
        """Without what of it is stored. Raises what jobs.outcome knows."""
        if not _has_file(work.source):
            yield _written(work.source, skip=work.before)
        elif (text := self._read_with_others(work.source)) is not None:
            yield text
        else:
            with self._read_alone(work) as text:
                yield text

    def _read_with_others(self, source: Source) -> Reading | None:
        if source.pk not in self._given:
            return None
        return next((text for pk, text in self._together if pk == source.pk), None)

    @contextmanager
    def _read_alone(self, work: Work) -> Iterator[Reading]:
        source = work.source

        def beat() -> None:
            self._beat()
            if work.is_over:
                raise LeaseLost  # nobody wants the rest of what may take minutes

        with (
            local_copy(source.file, beat=beat) as path,
            reading(path, source.format, title=source.title, skip=work.before, beat=beat) as text,
        ):
            yield text


def _is_short_file(work: Work) -> bool:
    return work.source.is_short and _has_file(work.source) and not work.before


def _has_file(source: Source) -> bool:
    return source.kind != Source.Kind.FAQ


def _read_together(
    sources: Sequence[Source], beat: Beat
) -> Generator[tuple[int, Reading | None], None, None]:
    """The texts by the sources' ids, in order; None for one that must be read alone."""
    if len(sources) < 2:
        return
    with ExitStack() as copies:
        files = dict[int, FileToRead]()
        for source in sources:
            with suppress(Unreadable, StorageDown):
                path = copies.enter_context(local_copy(source.file, beat=beat))
                files[source.pk] = FileToRead(path, source.format, source.title)
        with suppress(ServerGone), closing(reading_several([*files.values()], beat=beat)) as texts:
            for source in sources:
                yield source.pk, next(texts) if source.pk in files else None


def _written(source: Source, *, skip: int) -> Reading:
    """What somebody typed stands in a row; it holds nothing that a process must be kept from."""
    faq = Faq.objects.filter(source=source).first()
    if faq is None:
        raise LeaseLost
    return reading_of(faq.question, faq.answer, skip=skip)
