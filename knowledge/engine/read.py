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

# None of these goes over a character again and again: a hostile file may be one endless line.
HEADING_OR_FENCE = re.compile(
    r"^(?:(?P<level>#{1,6})[ \t]+(?P<title>.+)| {0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*))$",
    re.MULTILINE,
)
IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)")
LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)")
EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
FRONT_MATTER = re.compile(r"\A---\r?\n.*?\n---\r?\n", re.DOTALL)


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
    return _from_markdown(IMAGE.sub(r"\1", _without_comments(text)))


def _without_comments(text: str) -> str:
    *closed, rest = text.split("-->")
    kept = ""
    for part in closed:
        before, mark, _ = part.partition("<!--")
        kept += before if mark else f"{part}-->"
    return kept + rest


def _read_html(path: Path) -> ReadText:
    title, text = html_to_markdown(path.read_bytes())
    return _from_markdown(text, title=title)


def _from_markdown(text: str, *, title: str = "") -> ReadText:
    text = tidy(text)
    headings = _headings(text)
    first = next((h.text for h in headings if h.level == 1), "")
    return ReadText(text=text, title=first or title, headings=headings)


def _headings(text: str) -> tuple[Heading, ...]:
    found, fence = list[Heading](), ""
    for match in HEADING_OR_FENCE.finditer(text):
        if match["fence"]:
            fence = _fence_after(fence, match["fence"], match["info"])
        elif not fence:
            level, title = len(match["level"]), plain_heading(match["title"])
            found.append(Heading(match.start(), level, title))
    return tuple(found)


def _fence_after(fence: str, mark: str, info: str) -> str:
    """The fence that is open after a line with this mark: the mark, `fence` still, or none ("")."""
    if not fence:
        return "" if "`" in info else mark
    return "" if mark.startswith(fence) and not info.strip() else fence


def plain_heading(text: str) -> str:
    """Without links, marks of emphasis, and a closing row of # that stands apart."""
    text = text.strip()
    bare = text.rstrip("#")
    if bare.endswith((" ", "\t")):
        text = bare
    return EMPHASIS.sub("", LINK.sub(r"\1", text)).strip()


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
