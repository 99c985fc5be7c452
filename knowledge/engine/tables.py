"""Tables in Markdown whose every row stands under its heads, also after the text is cut.

A passage holds 1,000 characters. A longer table gets its header again every so often, so that
each passage of it can be found by, and quoted with, the names of its columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

TABLE_CHARACTERS = 1000  # as split.PASSAGE_CHARACTERS
MOST_HEAD_CHARACTERS = 80  # of one that is repeated for each row of a very wide table
RULE = re.compile(r"\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*")
BORDER = re.compile(r"(?<!\\)\|")
MOST_COMPARED = 100  # rows below the first one
YEAR = re.compile(r"(?:19|20)\d\d")
OF_NUMBERS = frozenset("0123456789.,:/+-–—()%€$£¥ ")

Row = Sequence[str]


def line_of(cells: Row) -> str:
    return "| " + " | ".join(cells) + " |"


def cell_of(text: str) -> str:
    """On one line, and without the character that would end it."""
    return " ".join(text.split()).replace("|", "/")


def is_header(first: Row, others: Sequence[Row]) -> bool:
    """Whether the first row of a table names its columns: all words or years, and something else
    below them."""
    named = [cell for cell in first if cell.strip()]
    if len(named) < 2 or not others or len(named) < len(first) * 0.6:
        return False
    if _is_number(first[0]):
        return False
    return not any(
        _is_number(cell) and not (YEAR.fullmatch(cell.strip()) and _has_no_years(others, column))
        for column, cell in enumerate(first)
    )


def _has_no_years(rows: Sequence[Row], column: int) -> bool:
    below = [row[column].strip() for row in rows[:MOST_COMPARED] if column < len(row)]
    return any(below) and not any(YEAR.fullmatch(cell) for cell in below)


def _is_number(cell: str) -> bool:
    """Also a date, a price, a range."""
    return OF_NUMBERS.issuperset(cell) and any(letter.isdigit() for letter in cell)


def markdown_table(rows: Sequence[Row]) -> str:
    """Rows of cells as a table; rows of one cell become text."""
    width = max((len(row) for row in rows), default=0)
    if width < 2:
        return "\n\n".join(cell for row in rows for cell in row if cell)
    full = [[*map(cell_of, row), *[""] * (width - len(row))] for row in rows]
    header = full[0] if is_header(full[0], full[1:]) else None
    return "\n".join(table_lines(header, full[1:] if header else full))


def table_lines(header: Row | None, rows: Iterable[Row]) -> Iterator[str]:
    """A table without a header gets an empty one: data must not become one."""
    began = False
    for row in rows:
        if not began:
            yield "| " + " | ".join(header) + " |" if header else "|" + "  |" * len(row)
            yield "|" + " --- |" * len(header or row)
            began = True
        yield line_of(row)


def repeat_headers(text: str, most: int = TABLE_CHARACTERS) -> str:
    """The text with the header of each long table again above the rows further down."""
    if "\n|" not in f"\n{text}":
        return text
    lines = text.split("\n")
    return "\n".join(_repeated(lines, most))


def _repeated(lines: list[str], most: int) -> Iterator[str]:
    header, heads, size, at = list[str](), list[str](), 0, 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.startswith("|"):
            header = []
            yield line
        elif not header and at < len(lines) and RULE.fullmatch(lines[at].rstrip()):
            header, heads, size = [line, lines[at]], _cells(line), 0
            at += 1
            if not _fits(header, most) and _names(line):
                continue  # each row repeats its part of it
            yield from header
            size = _length(header)
        elif not header or not _names(header[0]):
            yield line
        elif not _fits(header, most) or _length(header) + len(line) > most:
            yield from _wide(heads, line, most)
            size = most  # what follows begins anew
        else:
            if size + len(line) + 1 > most:
                yield from ("", *header)
                size = _length(header)
            size += len(line) + 1
            yield line


def _fits(header: list[str], most: int) -> bool:
    return _length(header) < most * 0.6


def _length(lines: list[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _names(header: str) -> bool:
    return any(letter.isalnum() for letter in header)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in BORDER.split(line.strip().strip("|"))]


def _wide(heads: list[str], line: str, most: int) -> Iterator[str]:
    """A row too long for its heads: several small tables, each of which begins with its key."""
    pairs = [
        (head[:MOST_HEAD_CHARACTERS], cell)
        for head, cell in zip(heads, _cells(line), strict=False)
        if cell
    ]
    if not pairs:
        return
    (key_head, key), *rest = pairs
    first = (key_head, key if len(key) <= MOST_HEAD_CHARACTERS * 2 else key[:77] + "…")
    if first[1] != key:
        rest = pairs
    group, size = [first], 0
    for pair in rest:
        more = sum(map(len, pair)) + 14
        if len(group) > 1 and size + more > most * 0.8:
            yield from _small(group)
            group, size = [first], 0
        group.append(pair)
        size += more
    yield from _small(group)


def _small(pairs: list[tuple[str, str]]) -> Iterator[str]:
    heads, cells = zip(*pairs, strict=True)
    yield ""
    yield from table_lines(heads, [cells])
