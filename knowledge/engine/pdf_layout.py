"""The lines of a PDF to paragraphs, lists, tables and headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from knowledge.engine.pdf_lines import HYPHEN, Cell, Line
from knowledge.engine.tables import cell_of, markdown_table

ITEM = re.compile(r"(?:[•●▪◦‣·■–\-*]|\(?\d{1,3}[.)]|\.\d+|\(?[a-zA-Z][.)]|[ivx]{1,4}[.)])\s+\S")
BULLET = re.compile(r"^[•●▪◦‣·■]\s*")
ENDS = (".", "!", "?", ":", ";", "。", "؟")
LEADERS = re.compile(r"(?:\s*\.){4,}\s*")
NUMBER = re.compile(r"[A-Z]?\d*(?:\.\d+)*\.?")
NUMBERING = re.compile(r"^(?:[a-z]+\s)?[\divx]+(?:[.:]\d+)*[.:)]?\s+")
PROSE_CELL = 30  # letters: a "table" of two columns of such cells is text in columns
HEADING_CHARACTERS = 140
SHARE_OF_HEADINGS = 0.12  # of all letters: what is more is text in two sizes
BIGGER = 1.12  # than the text's size: that is a heading


def _letters(pages: Sequence[list[Line]]) -> Counter[float]:
    """How many letters there are of each size."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes


def heading_sizes(pages: Sequence[list[Line]]) -> dict[float, int]:
    """Level of each size of letters that headings have: the three largest above the text's."""
    letters = _letters(pages)
    body, total = max(letters, key=lambda size: letters[size], default=0.0), letters.total()
    sizes = {
        round(line.size, 1)
        for page in pages
        for line in page
        if line.size > body * BIGGER and _may_be_heading(line)
    }
    sizes = {size for size in sizes if letters[size] < total * SHARE_OF_HEADINGS}
    ranked = sorted(sizes, reverse=True)
    return {size: min(rank, 3) for rank, size in enumerate(ranked, 1)} if body > 2 else {}


def _may_be_heading(line: Line) -> bool:
    if len(line.cells) > 2 or (len(line.cells) == 2 and not NUMBER.fullmatch(line.cells[0].text)):
        return False
    text = line.text
    letters = sum(1 for letter in text if letter.isalpha())
    return letters >= 2 and len(text) <= HEADING_CHARACTERS and letters * 2 > len(text)


def page_text(lines: list[Line], levels: Mapping[float, int], named: Mapping[str, int]) -> str:
    """A page as Markdown. `levels`: of headings by their size; `named`: of those of the outline."""
    blocks = list[str]()
    for kind, group in _groups(lines, levels, named):
        if kind == "table":
            blocks.append(_table(group))
        elif kind:
            blocks.append(f"{'#' * int(kind)} {' '.join(line.text for line in group)}")
        else:
            blocks.append(_paragraphs(group))
    return re.sub(f"[{HYPHEN}\u00ad]\\s*", "", "\n\n".join(block for block in blocks if block))


def _groups(
    lines: list[Line], levels: Mapping[float, int], named: Mapping[str, int]
) -> Iterator[tuple[str, list[Line]]]:
    """Neighbouring lines of one kind: "table", "" for text, or a heading's level."""
    group, kind = list[Line](), ""
    for line, found in zip(lines, _kinds(lines, levels, named), strict=True):
        apart = found.isdigit() and (not group or not _goes_on(group, line))
        if group and (found != kind or apart):
            yield kind, group
            group = []
        group.append(line)
        kind = found
    if group:
        yield kind, group


def _kinds(lines: list[Line], levels: Mapping[float, int], named: Mapping[str, int]) -> list[str]:
    kinds = []
    for line in lines:
        level = named.get(key_of(line.text), 0)
        if not level and levels and _may_be_heading(line):
            level = levels.get(round(line.size, 1), 0)
        is_row = len(line.cells) > 1 and not LEADERS.search(line.text)
        kinds.append(str(min(level, 6)) if level else "table" if is_row else "")
    return _with_neighbours(kinds)


def _with_neighbours(kinds: list[str]) -> list[str]:
    """A row alone is text; one line between two rows is a part of their table."""
    joined = [
        "table" if kind == "" and _beside(kinds, at) == 2 else kind for at, kind in enumerate(kinds)
    ]
    return [
        "" if kind == "table" and not _beside(joined, at) else kind
        for at, kind in enumerate(joined)
    ]


def _beside(kinds: list[str], at: int) -> int:
    """How many of both neighbours are rows."""
    return [*kinds[max(0, at - 1) : at], *kinds[at + 1 : at + 2]].count("table")


def _goes_on(group: list[Line], line: Line) -> bool:
    """Whether a heading of several lines goes on in this one."""
    before = group[-1]
    height = max(before.top - before.bottom, 1.0)
    return abs(before.size - line.size) < 0.1 and abs(before.bottom - line.top) < height * 0.7


def key_of(text: str) -> str:
    """A title's letters, without its number: outlines leave that out, or add it."""
    bare = NUMBERING.sub("", text.lower())
    return "".join(letter for letter in bare if letter.isalnum())


def _table(lines: list[Line]) -> str:
    columns = _columns(lines)
    cells = [cell for line in lines for cell in line.cells]
    prose = sum(len(cell.text) for cell in cells) / len(cells) > PROSE_CELL
    if len(columns) == 2 and prose and len(lines) > 3:
        return "\n\n".join(
            _paragraphs([one for line in lines if (one := _part(line, column))])
            for column in columns
        )
    if len(columns) < 2:
        return _paragraphs(lines)
    return markdown_table([_row(line, columns) for line in lines])


def _part(line: Line, column: tuple[float, float]) -> Line | None:
    cells = [c for c in line.cells if c.left < column[1] and c.right > column[0]]
    return Line(cells, line.bottom, line.top, line.size) if cells else None


def _columns(lines: list[Line]) -> list[tuple[float, float]]:
    """The ranges of x that cells share: overlapping cells of different lines are one column.

    A cell that lies over several columns of the fullest lines makes no column of its own.
    """
    most = max(len(line.cells) for line in lines)
    ranges = list[tuple[float, float]]()
    for line in sorted(lines, key=lambda one: -len(one.cells)):
        for cell in line.cells:
            over = [one for one in ranges if cell.left < one[1] and cell.right > one[0]]
            if not over:
                ranges.append((cell.left, cell.right))
            elif len(over) == 1 and len(line.cells) == most:
                ranges.remove(over[0])
                ranges.append((min(over[0][0], cell.left), max(over[0][1], cell.right)))
    return sorted(ranges)


def _row(line: Line, columns: list[tuple[float, float]]) -> list[str]:
    row = [""] * len(columns)
    for cell in line.cells:
        best = max(range(len(columns)), key=lambda number: _overlap(cell, columns[number]))
        row[best] = f"{row[best]} {cell.text}".strip()
    return [cell_of(text) for text in row]


def _overlap(cell: Cell, column: tuple[float, float]) -> float:
    """How far they overlap; negative: how far they are apart."""
    return min(cell.right, column[1]) - max(cell.left, column[0])


def _paragraphs(lines: list[Line]) -> str:
    text = ""
    for at, line in enumerate(lines):
        words = LEADERS.sub(" … ", BULLET.sub("- ", line.text))
        if at:
            text += _between(lines, at)
        text += words
    return text.strip()


def _between(lines: list[Line], at: int) -> str:
    """What stands between a line and the one before: a space where the margin broke it."""
    before, line = lines[at - 1], lines[at]
    height = max(before.top - before.bottom, line.top - line.bottom, 1.0)
    gap = before.bottom - line.top
    if before.text.endswith(HYPHEN):
        return "-" if line.text[:1].isupper() else ""
    if LEADERS.search(before.text) or LEADERS.search(line.text):
        return "\n"
    if -gap > min(height, line.top - line.bottom) * 0.3 and line.left >= before.right - 2:
        return " "  # on the same line, only higher or lower: an exponent, an index
    if gap > height * 1.1 or gap < -height * 3:
        return "\n\n" if gap > 0 else "\n"
    if ITEM.match(line.text):
        return "\n"
    if abs(line.left - before.left) > height * 3 and not ITEM.match(before.text):
        return "\n"  # each line centred, or ending where it likes
    first = line.text.split(" ", 1)[0]
    width = (line.right - line.left) / max(len(line.text), 1) * (len(first) + 1)
    full = _margin(lines, at - 1) - before.right < width
    if not full:
        return "\n"
    ended = before.text.endswith(ENDS) and not first[:1].islower()
    return "\n" if ended and _margin(lines, at - 1) - before.right > height else " "


def _margin(lines: list[Line], at: int) -> float:
    """Where the lines around this one end at the right."""
    here = lines[at]
    near = lines[max(0, at - 12) : at + 13]
    return max(one.right for one in near if one.left < here.right and one.right > here.left)
