"""Files in, one text out: headings as Markdown, table rows as rows, page starts noted.

Whatever the format, the text that comes out is simple Markdown; every later offset (of a passage,
of a quotation) counts its characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_html import html_to_markdown
from knowledge.engine.read_pdf import pdf_pages
from knowledge.engine.read_text import decode, tidy

HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that begins at character `start`; `level` 1 to 6."""

    start: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class PageStart:
    """Page `number`, counted from 1, begins at character `start`."""

    start: int
    number: int


@dataclass(frozen=True, slots=True)
class ReadText:
    """The text of a file with its structure, in order of `start`."""

    text: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    pages: tuple[PageStart, ...] = field(default=())


def read(path: Path, file_format: str) -> ReadText:
    """Read the file at `path`, of one of the formats of detect.FORMATS.

    Raises Unreadable, with a reason for the file's owner, when no text can be had from it.
    """
    result = READERS[file_format](path)
    if not result.text.strip():
        raise Unreadable("There is no text in this file.")
    return result


def _read_plain(path: Path) -> ReadText:
    return ReadText(text=tidy(decode(path.read_bytes())))


def _read_markdown(path: Path) -> ReadText:
    text = FRONT_MATTER.sub("", decode(path.read_bytes()))
    # A comment is not meant for readers, and an image is a request to somebody's server.
    return _from_markdown(IMAGE.sub(r"\1", COMMENT.sub("", text)))


def _read_html(path: Path) -> ReadText:
    title, text = html_to_markdown(path.read_bytes())
    return _from_markdown(text, title=title)


def _from_markdown(text: str, *, title: str = "") -> ReadText:
    text = tidy(text)
    headings = _headings(text)
    first = next((h.text for h in headings if h.level == 1), "")
    return ReadText(text=text, title=first or title, headings=headings)


def _headings(text: str) -> tuple[Heading, ...]:
    fences = [match.span() for match in FENCE.finditer(text)]
    found = []
    for match in HEADING.finditer(text):
        if any(start <= match.start() < end for start, end in fences):
            continue
        found.append(Heading(match.start(), len(match[1]), plain_heading(match[2])))
    return tuple(found)


def plain_heading(text: str) -> str:
    return re.sub(r"[*_`]+", "", text).strip()


def _read_pdf(path: Path) -> ReadText:
    title, pages = pdf_pages(path)
    text, starts = "", []
    for number, page in enumerate(pages, 1):
        if page:
            starts.append(PageStart(len(text), number))
            text += page + "\n\n"
    if not text:
        raise Unreadable("There is no text in this PDF: its pages are images (a scan).")
    return ReadText(text=text.rstrip(), title=title, pages=tuple(starts))


READERS: dict[str, Callable[[Path], ReadText]] = {
    "text": _read_plain,
    "markdown": _read_markdown,
    "html": _read_html,
    "pdf": _read_pdf,
}
