"""The text of a PDF, page by page, as paragraphs."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from pypdfium2 import PdfiumError

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_text import tidy

MOST_PAGES = 10_000
# PDFium marks a word that was hyphenated at a line's end with U+FFFE.
HYPHENATED = re.compile("[\ufffe\u00ad]\\s*")
SENTENCE_ENDS = (".", "!", "?", ":", ";")
FULL_LINE = 0.6  # of the longest line: such a line was broken by the margin, not by its author


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
        return title, list(_texts(document))
    except PdfiumError as error:
        raise Unreadable("This PDF is damaged. Export it again and send the new file.") from error
    finally:
        document.close()


def _unreadable(error: PdfiumError, path: Path) -> Unreadable:
    if "assword" in str(error) and _is_encrypted(path):
        return Unreadable("This PDF has a password. Save a copy without one and send that.")
    return Unreadable("This PDF is damaged. Export it again and send the new file.")


def _is_encrypted(path: Path) -> bool:
    """Whether the file says so: PDFium may still report the error of the file before."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"/Encrypt") >= 0


def _texts(document: pypdfium2.PdfDocument) -> Iterator[str]:
    for page in document:
        words = page.get_textpage()
        yield _paragraphs(words.get_text_range())
        words.close()
        page.close()


def _paragraphs(text: str) -> str:
    lines = [line.strip() for line in tidy(HYPHENATED.sub("", text)).split("\n")]
    longest = max((len(line) for line in lines), default=0)
    paragraphs = ""
    for line in lines:
        paragraphs += line + (" " if _runs_on(line, longest) else "\n")
    return paragraphs.strip()


def _runs_on(line: str, longest: int) -> bool:
    return len(line) > longest * FULL_LINE and not line.endswith(SENTENCE_ENDS)
