"""A document's text as it was read, put together again from its passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from knowledge.models import Passage, PassageQuerySet, Source


@dataclass(frozen=True, slots=True)
class Stretch:
    """A passage where it stands. Headings and pages are told where they begin, "" where they go
    on."""

    number: int
    text: str
    heading: str
    pages: str


def passages_of(source: Source) -> PassageQuerySet:
    """In the order of the text, of the version that answers; of one that is being read for the
    first time, as far as it is."""
    shown = source.live_version or source.version
    return source.passages.filter(version=shown).defer("embedding").order_by("position")


def number_at(source: Source, character: int) -> int | None:
    """The number, from 1, of the passage that holds this character of the text; None where there
    is no text (any more)."""
    before = passages_of(source).filter(start__lte=character).order_by("-position")
    position = before.values_list("position", flat=True).first()
    return None if position is None else position + 1


def stretches(passages: Iterable[Passage]) -> Iterator[Stretch]:
    heading, page = "", 0
    for passage in passages:
        numbers = [int(number) for _, number in passage.pages]
        begun = [number for number in numbers if number != page]
        yield Stretch(
            number=passage.position + 1,
            text=passage.text,
            heading=passage.heading if passage.heading != heading else "",
            pages=_spoken(begun),
        )
        heading, page = passage.heading, (numbers or [page])[-1]


def _spoken(pages: list[int]) -> str:
    if len(pages) < 2:
        return f"page {pages[0]}" if pages else ""
    return f"pages {pages[0]}–{pages[-1]}"
