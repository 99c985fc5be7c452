"""PDF by PDFium: page by page; a page that is a picture is read by OCR where that is installed."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from pypdfium2 import PdfiumError

from knowledge.engine.detect import LOCKED
from knowledge.engine.document import MOST_CHARACTERS, TOO_MUCH_TEXT, Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.pdf_layout import heading_sizes, key_of, page_text
from knowledge.engine.pdf_lines import Line, lines_of
from knowledge.engine.pdf_repeats import without_repeats
from knowledge.engine.pdf_scans import pictures_of, recognised, without_stamps

MOST_PAGES = 10_000
MOST_OUTLINE = 5_000
DAMAGED = "This PDF is damaged. Export it again and send the new file."


def read_pdf(path: Path) -> Draft:
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
        return _draft(document, title)
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


def _draft(document: pypdfium2.PdfDocument, title: str) -> Draft:
    pages = list(_lines(document))
    kept = without_repeats(pages)
    pictures = pictures_of(document, pages, kept)
    kept = without_stamps(kept, pictures)
    if not pictures and not any(kept):
        repeated = " but what each page repeats" if any(pages) else ""
        raise Unreadable(f"There is no text in this PDF{repeated}.")
    found = recognised(document, pictures, kept)
    parts = [
        f"{own}\n\n{found.texts.get(number, '')}".strip()
        for number, own in enumerate(_texts(document, kept))
    ]
    return Draft(parts, title=title, paged=True, note=found.note)


def _texts(document: pypdfium2.PdfDocument, kept: list[list[Line]]) -> list[str]:
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
