"""Pages of a PDF that are pictures, as scans are: which ones, and their text by OCR.

A scanner's app stamps its name onto each page, so a page may be a picture though it has text.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

import pypdfium2
import pypdfium2.raw as pdfium

from knowledge.engine import ocr
from knowledge.engine.errors import Unreadable
from knowledge.engine.pdf_lines import Line, lines_of
from knowledge.engine.pdf_repeats import without_numbers

FEW_LETTERS = 50  # a stamp, a caption; nearly every page of text has more
LARGE = 0.4  # of a page's area: there the picture is what the page shows
SMALL = 0.1  # on a page without text
DRAWN = 50  # things on a page without text or pictures: its letters may be drawn as curves
MOST_OBJECTS = 20_000
MOST_PIXELS = 12_000_000  # of a page as it is recognised: A4 at 200 dots per inch has 4 million
MOST_RANGES = 8
SCAN = "in this PDF: its pages are images (a scan)"

Pages = Sequence[Sequence[Line]]


@dataclass(frozen=True, slots=True)
class Recognised:
    """Text of pages by their numbers, counted from 0, and what to say of those without."""

    texts: Mapping[int, str] = field(default_factory=dict)
    note: str = ""


def pictures_of(document: pypdfium2.PdfDocument, pages: Pages, kept: Pages) -> list[int]:
    """The pages, counted from 0, that are pictures. `kept`: what text each has of its own."""
    least = DRAWN if any(pages) else 1
    return [
        number
        for number, (all_lines, own) in enumerate(zip(pages, kept, strict=True))
        if _letters(own) < FEW_LETTERS
        and _is_picture(document, number, has_own=bool(own), drawn=0 if all_lines else least)
    ]


def _is_picture(document: pypdfium2.PdfDocument, number: int, *, has_own: bool, drawn: int) -> bool:
    """`drawn`: how many things make a picture of a page without one; 0: none do."""
    page = document[number]
    try:
        width, height = page.get_size()
        if _pictured(page) >= width * height * (LARGE if has_own else SMALL):
            return True
        return drawn > 0 and len(list(islice(page.get_objects(), drawn))) == drawn
    finally:
        page.close()


def _pictured(page: pypdfium2.PdfPage) -> float:
    """The area of its pictures in square points; one that is cut into strips counts as a whole."""
    area = 0.0
    for thing in islice(page.get_objects(max_depth=1), MOST_OBJECTS):
        if thing.type == pdfium.FPDF_PAGEOBJ_IMAGE or _holds_picture(page, thing):
            left, bottom, right, top = thing.get_bounds()
            area += abs((right - left) * (top - bottom))
    return area


def _holds_picture(page: pypdfium2.PdfPage, thing: pypdfium2.PdfObject) -> bool:
    if thing.type != pdfium.FPDF_PAGEOBJ_FORM:
        return False
    inner = islice(page.get_objects(form=thing, level=1), MOST_OBJECTS)
    return any(one.type == pdfium.FPDF_PAGEOBJ_IMAGE for one in inner)


def without_stamps(kept: Sequence[list[Line]], pictures: Sequence[int]) -> list[list[Line]]:
    """Pages without what several pictures among them say in the same words."""
    seen = Counter(text for number in pictures for text in {line.text for line in kept[number]})
    among = frozenset(pictures)
    return [
        [line for line in lines if number not in among or seen[line.text] < 2]
        for number, lines in enumerate(kept)
    ]


def _is_scan(pictures: Sequence[int], kept: Pages) -> bool:
    """Whether there is no text but on the pictures, and there no more than a stamp says, whatever
    numbers are in it."""
    among = frozenset(pictures)
    if any(own for number, own in enumerate(kept) if number not in among):
        return False
    said = {without_numbers(line.text) for own in kept for line in own}
    return sum(map(len, said)) < FEW_LETTERS


def _letters(lines: Sequence[Line]) -> int:
    return sum(1 for line in lines for letter in line.text if letter.isalnum())


def recognised(
    document: pypdfium2.PdfDocument,
    pictures: Sequence[int],
    kept: Pages,
    *,
    seconds: float = ocr.MOST_SECONDS,
) -> Recognised:
    """The text of the pictures. Raises Unreadable when there is none, and no other text to speak
    of: else a note says which of them could not be read."""
    if not pictures:
        return Recognised()
    if _is_scan(pictures, kept):
        return _of_scan(document, pictures, kept, seconds)
    if not ocr.is_installed():
        return Recognised(note=_note(pictures, f": {ocr.MISSING}"))
    try:
        texts, failed = _texts(document, pictures[: ocr.MOST_PAGES], seconds)
    except ocr.TooSlow:
        # Not a part of them: whoever goes on with a file must find the same text again.
        return Recognised(note=_note(pictures, ", for it would take too long. Send it in parts"))
    left = pictures[ocr.MOST_PAGES :]
    many = f": there are more than {ocr.MOST_PAGES} of them. Send it in parts" if left else ""
    return Recognised(texts, _note(sorted([*failed, *left]), many))


def _of_scan(
    document: pypdfium2.PdfDocument, pictures: Sequence[int], kept: Pages, seconds: float
) -> Recognised:
    """There must be a program for it, and few enough pages."""
    scan = f"There is {'hardly any' if any(kept) else 'no'} text {SCAN}"
    ocr.require(scan)
    if len(pictures) > ocr.MOST_PAGES:
        raise Unreadable(f"{scan}, of more than {ocr.MOST_PAGES} pages. Send it in parts.")
    texts, failed = _texts(document, pictures, seconds)
    if failed and not texts:
        raise Unreadable(next(iter(failed.values())))
    return Recognised(texts, _note(sorted(failed), ""))


def _texts(
    document: pypdfium2.PdfDocument, pictures: Sequence[int], seconds: float
) -> tuple[dict[int, str], dict[int, str]]:
    """Texts, and what is wrong with those pages that have none. Raises TooSlow."""
    texts, failed = dict[int, str](), dict[int, str]()
    deadline = time.monotonic() + seconds
    for number in pictures:
        try:
            left = deadline - time.monotonic()
            texts[number] = ocr.text_of(_bitmap(document, number), seconds=left)
        except ocr.TooSlow:
            raise
        except Unreadable as error:
            failed[number] = str(error)  # the error itself would hold its page's pixels
    return texts, failed


def _bitmap(document: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfBitmap:
    """The page as a picture, without the text that is known already."""
    page = document[number]
    try:
        if lines_of(document, page):
            kinds = [pdfium.FPDF_PAGEOBJ_TEXT]
            for words in list(page.get_objects(filter=kinds, max_depth=1)):
                page.remove_obj(words)
        width, height = page.get_size()
        scale = min(ocr.DPI / 72, math.sqrt(MOST_PIXELS / max(width * height, 1.0)))
        return page.render(scale=scale, grayscale=True)
    finally:
        page.close()


def _note(numbers: Sequence[int], why: str) -> str:
    """What to tell the owner of pages that were not read; "" for none."""
    if not numbers:
        return ""
    ranges = list(_ranges(numbers))
    listed = ", ".join(
        f"{first}–{last}" if first < last else str(first) for first, last in ranges[:MOST_RANGES]
    )
    if more := sum(last - first + 1 for first, last in ranges[MOST_RANGES:]):
        listed += f" and {more} more"
    if len(numbers) == 1:
        return f"Page {listed} is a picture. Its text could not be read{why}."
    return f"Pages {listed} are pictures. Their text could not be read{why}."


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last page of each stretch of them, as people count."""
    first = numbers[0]
    for number, after in pairwise([*numbers, -1]):
        if after != number + 1:
            yield first + 1, number + 1
            first = after
