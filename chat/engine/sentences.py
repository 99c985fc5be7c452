"""A passage's text as the units one can quote: sentences, list items, table rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest

SENTENCE_END = re.compile(
    r"(?<=[.!?…])[\"”’)]*\s+(?=[\"“‘(]*[^\W_a-zß-öø-ÿ])|(?<=[。！？])(?![。！？」』”’）])",
    re.UNICODE,
)
ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|approx|no|nr|vs|incl|max|min|tel|st|mr|mrs|ms|dr|z\.b|d\.h|bzw|ca)\.)$",
    re.IGNORECASE,
)
LIST_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
HEADING = re.compile(r"^#{1,6}\s+")
TABLE_RULE = re.compile(r"^\s*\|?[\s:|-]+\|?\s*$")
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)[^)]*\)")
MARKS = re.compile(r"\*\*|__|`+|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
SPACES = re.compile(r"\s+")


class Kind(Enum):
    HEADING = "heading"
    SENTENCE = "sentence"
    ITEM = "item"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Unit:
    """`text` is for reading, without marks; `start` and `end` count characters of the passage.

    `block` numbers the paragraph, list or table that the unit belongs to.
    """

    kind: Kind
    text: str
    start: int
    end: int
    block: int


def units(passage: str) -> list[Unit]:
    """All units of a passage of simple Markdown, in order."""
    return list(_Reader(passage).units())


class _Reader:
    def __init__(self, passage: str) -> None:
        self.passage = passage
        self.block = 0
        self.header: list[str] = []
        self.last: Kind | None = None

    def units(self) -> Iterator[Unit]:
        paragraph: tuple[int, int] | None = None
        for start, end in _lines(self.passage):
            line = self.passage[start:end]
            if self._continues(line, paragraph):
                paragraph = (paragraph[0] if paragraph else start, end)
                continue
            if paragraph:
                yield from self._sentences(*paragraph, Kind.SENTENCE)
                paragraph = None
            yield from self._line(line, start, end)
        if paragraph:
            yield from self._sentences(*paragraph, Kind.SENTENCE)

    def _continues(self, line: str, paragraph: tuple[int, int] | None) -> bool:
        """A line of running text, that belongs to the paragraph before or begins one."""
        special = HEADING.match(line) or LIST_ITEM.match(line) or line.lstrip().startswith("|")
        if not line.strip() or special:
            return False
        if paragraph is None:
            self._enter(None)
        return True

    def _enter(self, kind: Kind | None) -> None:
        if kind is None or kind is not self.last:
            self.block += 1
            self.header = []
        self.last = kind

    def _line(self, line: str, start: int, end: int) -> Iterator[Unit]:
        if not line.strip():
            if self.last is not Kind.ITEM:
                self.last = None
        elif HEADING.match(line):
            self._enter(Kind.HEADING)
            yield Unit(Kind.HEADING, clean(HEADING.sub("", line)), start, end, self.block)
        elif line.lstrip().startswith("|"):
            is_first = self.last is not Kind.ROW
            self._enter(Kind.ROW)
            yield from self._row(line, start, end, is_first=is_first)
        else:
            self._enter(Kind.ITEM)
            mark = LIST_ITEM.match(line)
            skip = mark.end() if mark else 0
            yield Unit(Kind.ITEM, clean(line[skip:]), start + skip, end, self.block)

    def _row(self, line: str, start: int, end: int, *, is_first: bool) -> Iterator[Unit]:
        if TABLE_RULE.match(line):
            return
        cells = [clean(cell) for cell in line.strip().strip("|").split("|")]
        if is_first and TABLE_RULE.match(self._line_after(end)):
            # Without a rule below it is a row: the passage begins in the middle of a table.
            self.header = cells
            return
        yield Unit(Kind.ROW, _labelled(self.header, cells), start, end, self.block)

    def _line_after(self, end: int) -> str:
        return self.passage[end + 1 :].partition("\n")[0]

    def _sentences(self, start: int, end: int, kind: Kind) -> Iterator[Unit]:
        at = start
        for stop in [*self._stops(start, end), end]:
            text = clean(self.passage[at:stop])
            if text:
                yield Unit(kind, text, at, at + len(self.passage[at:stop].rstrip()), self.block)
            at = stop
        self.last = None

    def _stops(self, start: int, end: int) -> Iterator[int]:
        for match in SENTENCE_END.finditer(self.passage, start, end):
            if not ABBREVIATION.search(self.passage[start : match.start()]):
                yield match.end()


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line)
        start += len(line) + 1


def _labelled(header: list[str], cells: list[str]) -> str:
    """A row that can be read alone: "Germany — Delivery: 3–5 days; Cost: £9"."""
    named = [
        f"{label}: {cell}" if label else cell
        for label, cell in zip_longest(header[1 : len(cells)], cells[1:], fillvalue="")
        if cell
    ]
    return " — ".join(part for part in (cells[0], "; ".join(named)) if part)


def clean(text: str) -> str:
    """Without Markdown's marks: links keep their words, runs of space become one."""
    return SPACES.sub(" ", MARKS.sub("", LINK.sub(r"\1", text))).strip()
