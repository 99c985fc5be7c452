"""Text to passages of about 1,000 characters, each with the path of headings above it.

Sizes and the heading path were chosen by measuring the share of the evidence that the best five
passages carry (docs/decisions/passages.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from semantic_text_splitter import MarkdownSplitter

from knowledge.engine.document import Heading, PageStart, ReadText

PASSAGE_CHARACTERS = 1000
PATH_SEPARATOR = " › "
MOST_PATH_CHARACTERS = 300
# The splitter's time grows with the square of a text without spaces, and it gives all of its
# passages at once: a long text goes through it in stretches.
STRETCH = 50_000
BORDERS = ("\n#", "\n\n", "\n", " ")


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage to be: `text` is the read text from `start` to `end`.

    `pages` holds a pair for each page that it touches: where in `text` the page begins (0 for the
    one it begins on) and the page's number, counted from 1. It is empty where there are no pages.
    """

    position: int
    text: str
    heading: str
    pages: tuple[tuple[int, int], ...]
    start: int
    end: int

    @property
    def indexed_text(self) -> str:
        """What is embedded and searched: the passage under its headings."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


def split(
    source: ReadText,
    *,
    title: str = "",
    size: int = PASSAGE_CHARACTERS,
    above: Sequence[Heading] = (),
) -> Iterator[Piece]:
    """Passages of at most `size` characters, in order, without overlap.

    `above` are the headings that are open where the text begins. The same text always gives the
    same pieces, so a broken-off ingestion can go on where it was.
    """
    paths = _heading_paths(source.headings, root=source.title or title, above=above)
    starts = [heading.start for heading in source.headings]
    position = 0
    for start, text in _chunks(source.text, size):
        if not any(letter.isalnum() for letter in text):
            continue
        yield Piece(
            position=position,
            text=text,
            heading=paths[bisect_right(starts, start)],
            pages=_pages(source.pages, start, start + len(text)),
            start=start,
            end=start + len(text),
        )
        position += 1


def split_sections(sections: Iterable[ReadText], *, title: str = "") -> Iterator[Piece]:
    """Passages of a long text that comes in sections, as those of one text: numbered and counted
    on, and with the headings that are still open from the sections before."""
    position, start, above = 0, 0, list[Heading]()
    for section in sections:
        for piece in split(replace(section, title=""), title=title, above=above):
            yield replace(
                piece, position=position, start=start + piece.start, end=start + piece.end
            )
            position += 1
        start += len(section.text) + 2
        for heading in section.headings:
            _open(above, heading)


def _chunks(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Start and text of each passage."""
    splitter, start = MarkdownSplitter(size), 0
    while start < len(text):
        end = _border(text, start)
        for offset, chunk in splitter.chunk_indices(text[start:end]):
            yield start + offset, chunk
        start = end


def _border(text: str, start: int) -> int:
    """Where a stretch ends: at a heading if there is one in its second half, else a paragraph."""
    end = start + STRETCH
    if end >= len(text):
        return len(text)
    for border in BORDERS:
        at = text.rfind(border, start + STRETCH // 2, end)
        if at > 0:
            return at + 1
    return end


def _pages(pages: tuple[PageStart, ...], start: int, end: int) -> tuple[tuple[int, int], ...]:
    first = max(0, bisect_right(pages, start, key=lambda page: page.start) - 1)
    touched = [page for page in pages[first:] if page.start < end]
    return tuple((max(0, page.start - start), page.number) for page in touched)


def _heading_paths(
    headings: Sequence[Heading], *, root: str, above: Sequence[Heading]
) -> list[str]:
    """The path in force before the first heading, then the one from each heading on."""
    stack = list(above)
    paths = [_path(stack, root)]
    for heading in headings:
        _open(stack, heading)
        paths.append(_path(stack, root))
    return paths


def _open(stack: list[Heading], heading: Heading) -> None:
    """Of its level and below it, all others are closed by that."""
    while stack and stack[-1].level >= heading.level:
        stack.pop()
    stack.append(heading)


def _path(stack: Sequence[Heading], root: str) -> str:
    names = [part.text for part in stack]
    if not names or (root and names[0] != root):
        names.insert(0, root)
    return PATH_SEPARATOR.join(names)[:MOST_PATH_CHARACTERS]
