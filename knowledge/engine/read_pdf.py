"""PDF by PDFium: page by page; a page without text is read by OCR where that is installed."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from pypdfium2 import PdfiumError

from knowledge.engine import ocr
from knowledge.engine.detect import LOCKED
from knowledge.engine.document import MOST_CHARACTERS, TOO_MUCH_TEXT, Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.pdf_layout import heading_sizes, key_of, page_text
from knowledge.engine.pdf_lines import Line, lines_of
from knowledge.engine.pdf_repeats import without_repeats

MOST_PAGES = 10_000
MOST_OUTLINE = 5_000
DAMAGED = "This PDF is damaged. Export it again and send the new file."
SCAN = "There is no text in this PDF: its pages are images (a scan)"


def read_pdf(path: Path) -> Draft:
    title, pages = pdf_pages(path)
    return Draft(pages, title=title, paged=True)


def pdf_pages(path: Path) -> tuple[str, list[str]]:
    """Title and the text of each page, in order; "" for a page without text.

    Raises Unreadable for a password, a damaged file or one of too many pages.
    """
    try:
        document = pypdfium2.PdfDocument(path)
    except PdfiumError as error:
        raise _unreadable(error, path) from error
    try:
        if len(document) > MOST_PAGES:
            raise Unreadable(f"This PDF has more than {MOST_PAGES:,} pages. Send it in parts.")
        title = str(document.get_metadata_dict().get("Title", "")).strip()
        return title, _texts(document)
    except PdfiumError as error:
        raise Unreadable(DAMAGED) from error
    finally:
        document.close()


def _unreadable(error: PdfiumError, path: Path) -> Unreadable:
    if "assword" in str(error) and _is_encrypted(path):
        return Unreadable(LOCKED.replace("file", "PDF"))
    return Unreadable(DAMAGED)


def _is_encrypted(path: Path) -> bool:
    """Whether the file says so: PDFium may still report the error of the file before."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"/Encrypt") >= 0


def _texts(document: pypdfium2.PdfDocument) -> list[str]:
    pages = list(_lines(document))
    if not any(pages):
        return _recognised(document)
    kept = without_repeats(pages)
    if not any(kept):
        raise Unreadable("There is no text in this PDF but what each page repeats.")
    outline = _outline(document)
    found = any(
        key_of(line.text) in outline.get(number, {})
        for number, lines in enumerate(kept)
        for line in lines
    )
    levels = {} if found else heading_sizes(kept)
    return [page_text(page, levels, outline.get(number, {})) for number, page in enumerate(kept)]


def _lines(document: pypdfium2.PdfDocument) -> Iterator[list[Line]]:
    characters = 0
    for page in document:
        try:
            lines = lines_of(document, page)
        finally:
            page.close()
        characters += sum(len(line.text) for line in lines)
        if characters > MOST_CHARACTERS:
            raise Unreadable(TOO_MUCH_TEXT)
        yield lines


def _outline(document: pypdfium2.PdfDocument) -> dict[int, dict[str, int]]:
    """For each page, counted from 0: level of the outline's entries there, by their letters."""
    found: dict[int, dict[str, int]] = {}
    for entry, _ in zip(document.get_toc(max_depth=6), range(MOST_OUTLINE), strict=False):
        target, key = entry.get_dest(), key_of(entry.get_title())
        if target is not None and key:
            found.setdefault(target.get_index(), {}).setdefault(key, entry.level + 2)
    return found


def _recognised(document: pypdfium2.PdfDocument) -> list[str]:
    """The text of a scan. Raises Unreadable where there is no program for it."""
    ocr.require(SCAN)
    if len(document) > ocr.MOST_PAGES:
        raise Unreadable(f"{SCAN}, of more than {ocr.MOST_PAGES} pages. Send it in parts.")
    return [ocr.text_of(page.render(scale=ocr.DPI / 72, grayscale=True)) for page in document]
