"""The lines of a PDF's page with their places: what paragraphs, tables and headings rest on.

PDFium says where each character stands and where it takes a line to end. Only the places tell a
cell from a word, a heading from a sentence, and Arabic in logical order from Arabic as drawn.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from knowledge.engine.links import linked, safe_link

CELL_GAP = 1.6  # of the letters' height: no space between words is that wide
RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
LEFT_TO_RIGHT_RUN = re.compile(r"[A-Za-z0-9\u00c0-\u052f][^\u0590-\u08ff\ufb1d-\ufefc]*")
HYPHEN = "\ufffe"  # for a word hyphenated at a line's end
PDFIUM_HYPHEN = 2  # what PDFium says instead of the hyphen there
MARK = re.compile(r"[•●▪◦‣·■–\-*]|\(?\d{1,3}[.)]|\.\d+|\(?[a-zA-Z][.)]|[ivx]{1,4}[.)]")
MOST_CHARACTERS = 500_000  # of a page; no page that people read has a tenth of that
MOST_LINKS = 2_000


@dataclass(slots=True)
class Cell:
    """A run of words without a gap; x from `left` to `right` in points."""

    text: str
    left: float
    right: float


@dataclass(slots=True)
class Line:
    """A line of a page; y upwards from `bottom` to `top`, `size` of its letters in points."""

    cells: list[Cell]
    bottom: float
    top: float
    size: float

    @property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)

    @property
    def left(self) -> float:
        return self.cells[0].left

    @property
    def right(self) -> float:
        return max(cell.right for cell in self.cells)


@dataclass(slots=True)
class _Char:
    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    link: str = ""


@dataclass(frozen=True, slots=True)
class _Link:
    target: str
    left: float
    bottom: float
    right: float
    top: float

    def holds(self, char: _Char) -> bool:
        x, y = (char.left + char.right) / 2, (char.bottom + char.top) / 2
        return self.left <= x <= self.right and self.bottom <= y <= self.top


def lines_of(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> list[Line]:
    """The lines of a page in the order in which the file draws them."""
    words = page.get_textpage()
    try:
        links = list(_links(document, page))
        return [line for chars in _char_lines(words.raw) if (line := _line(chars, links))]
    finally:
        words.close()


def _char_lines(raw: Any) -> Iterator[list[_Char]]:
    """Characters up to each line's end. Those that PDFium made up have no place of their own."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    places = [ctypes.byref(one) for one in (left, right, bottom, top)]
    count = min(pdfium.FPDFText_CountChars(raw), MOST_CHARACTERS)
    line, size = list[_Char](), 0.0
    for index in range(count):
        code = pdfium.FPDFText_GetUnicode(raw, index)
        if code in {10, 13}:
            if line:
                yield line
            line = []
            continue
        pdfium.FPDFText_GetCharBox(raw, index, *places)
        if not line or len(line) % 16 == 0:
            size = pdfium.FPDFText_GetFontSize(raw, index)
        text = HYPHEN if code == PDFIUM_HYPHEN else chr(code)
        char = _Char(text, left.value, right.value, bottom.value, top.value, size)
        if line and _is_below(line[-1], char):
            yield line
            line = []
        line.append(char)
    if line:
        yield line


def _is_below(before: _Char, char: _Char) -> bool:
    """Whether the file begins a new line here, though PDFium saw none end."""
    if char.text.isspace() or before.top <= before.bottom:
        return False
    return char.top < before.bottom and char.left < before.left


def _line(chars: list[_Char], links: list[_Link]) -> Line | None:
    inked = [char for char in chars if not char.text.isspace() and char.text != HYPHEN]
    if not inked:
        return None
    for char in inked if links else ():
        char.link = next((link.target for link in links if link.holds(char)), "")
    bottom, top = min(char.bottom for char in inked), max(char.top for char in inked)
    size = max(char.top - char.bottom for char in inked)
    letters = "".join(char.text for char in inked)
    cells = [_cell(run) for run in _runs(chars, max(size, 4.0) * CELL_GAP)]
    if RTL.search(letters) and len(cells) > 1 and not RTL.search(cells[0].text[:1]):
        cells.sort(key=lambda cell: cell.left)
    return Line(_with_marks(cell for cell in cells if cell.text), bottom, top, inked[0].size)


def _with_marks(cells: Iterable[Cell]) -> list[Cell]:
    """The mark or number of an item belongs to its words, however far they stand apart."""
    first, *rest = cells
    if rest and MARK.fullmatch(first.text):
        first = Cell(f"{first.text} {rest[0].text}", first.left, rest[0].right)
        rest = rest[1:]
    return [first, *rest]


def _runs(chars: list[_Char], gap: float) -> Iterator[list[_Char]]:
    """Cut where there is a gap between two letters that only a column makes."""
    run, right = list[_Char](), None
    for char in chars:
        blank = char.text.isspace() or char.text == HYPHEN
        if not blank:
            if right is not None and char.left - right > gap:
                yield run
                run = []
            right = char.right
        run.append(char)
    yield run


def _cell(chars: list[_Char]) -> Cell:
    inked = [char for char in chars if not char.text.isspace() and char.text != HYPHEN]
    ordered = _logical(chars)
    text, link, words = "", "", ""
    for char in ordered:
        target = char.link if not char.text.isspace() else link
        if target != link:
            text += linked(words, link)
            link, words = target, ""
        words += char.text
    text = _joined_surrogates(text + linked(words, link))
    left = min((char.left for char in inked), default=0.0)
    right = max((char.right for char in inked), default=0.0)
    return Cell(" ".join(text.split()), left, right)


def _logical(chars: list[_Char]) -> list[_Char]:
    """Arabic and Hebrew as they are read. Some files hold them as they are drawn: then the
    places of neighbouring letters grow, and the line is turned, but for what is not of them."""
    chars = _spelled(chars)
    steps = [
        after.left - before.left
        for before, after in pairwise(chars)
        if RTL.match(before.text) and RTL.match(after.text) and after.left != before.left
    ]
    if not steps or sum(1 for step in steps if step > 0) * 2 <= len(steps):
        return chars
    turned = chars[::-1]
    text = "".join(char.text for char in turned)
    for run in LEFT_TO_RIGHT_RUN.finditer(text):
        start, end = run.span()
        turned[start:end] = turned[start:end][::-1]
    return turned


def _spelled(chars: list[_Char]) -> list[_Char]:
    """A whole word that stands for one drawing comes backwards from PDFium: all its letters
    have the same place. (Two letters of one place are a ligature, which comes as it is read.)"""
    turned, at = list(chars), 0
    while at < len(turned):
        end = at
        while end < len(turned) and RTL.match(turned[end].text) and _same(turned[at], turned[end]):
            end += 1
        if end - at > 2:
            turned[at:end] = turned[at:end][::-1]
        at = max(end, at + 1)
    return turned


def _same(one: _Char, other: _Char) -> bool:
    return (one.left, one.bottom) == (other.left, other.bottom)


def _joined_surrogates(text: str) -> str:
    return text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")


def _links(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> Iterator[_Link]:
    position, link = ctypes.c_int(0), pdfium.FPDF_LINK()
    rect = pdfium.FS_RECTF()
    for _ in range(MOST_LINKS):
        if not pdfium.FPDFLink_Enumerate(page.raw, ctypes.byref(position), ctypes.byref(link)):
            return
        action = pdfium.FPDFLink_GetAction(link)
        size = pdfium.FPDFAction_GetURIPath(document.raw, action, None, 0) if action else 0
        if not 1 < size < 2000 or not pdfium.FPDFLink_GetAnnotRect(link, ctypes.byref(rect)):
            continue
        buffer = ctypes.create_string_buffer(size)
        pdfium.FPDFAction_GetURIPath(document.raw, action, buffer, size)
        if target := safe_link(buffer.value.decode("utf-8", errors="replace")):
            yield _Link(target, rect.left, rect.bottom, rect.right, rect.top)
