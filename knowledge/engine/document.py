"""What reading gives: one text in simple Markdown, with its headings, pages, title and language.

Every later offset (of a passage, of a quotation) counts the characters of that text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from knowledge.engine.errors import Unreadable
from knowledge.engine.language import language_of
from knowledge.engine.read_text import tidy, whole_letters
from knowledge.engine.tables import repeat_headers

MOST_CHARACTERS = 200_000_000
TOO_MUCH_TEXT = "There is too much text in this file. Send it in parts."
# None of these goes over a character again and again: a hostile file may be one endless line.
HEADING_OR_FENCE = re.compile(
    r"^(?:(?P<level>#{1,6})[ \t]+(?P<title>.+)| {0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*))$",
    re.MULTILINE,
)
LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)")
EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
JUNK_TITLES = frozenset({"untitled", "(anonymous)", "anonymous", "unknown", "document", "title"})


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
    """The text of a file with its structure, in order of `start`; `language` as ISO 639.

    `note` tells the file's owner what of it could not be read.
    """

    text: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    pages: tuple[PageStart, ...] = ()
    language: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found: Markdown, of one page each if it is `paged`.

    A `plain` text has no marks: what looks like a heading there is none. `note`: see ReadText.
    """

    parts: Iterable[str]
    title: str = ""
    paged: bool = False
    plain: bool = False
    note: str = ""


def compose(draft: Draft) -> ReadText:
    """The text of all parts. Raises Unreadable when there is none, or far too much."""
    text, starts = "", list[PageStart]()
    pieces, length = list[str](), 0
    for number, part in enumerate(draft.parts, 1):
        clean = tidy(part) if draft.plain else repeat_headers(tidy(part))
        if not clean.strip():
            continue
        starts.append(PageStart(length, number))
        pieces.append(clean)
        length += len(clean) + 2
        if length > MOST_CHARACTERS:
            raise Unreadable(TOO_MUCH_TEXT)
    text = "\n\n".join(pieces)
    if not text:
        raise Unreadable("There is no text in this file.")
    headings = () if draft.plain else _headings(text)
    first = next((h.text for h in headings if h.level == 1), "")
    return ReadText(
        text=text,
        title=first or _good(draft.title),
        headings=headings,
        pages=tuple(starts) if draft.paged else (),
        language=language_of(text),
        note=draft.note,
    )


def _good(title: str) -> str:
    """Programs write titles of their own into files; those tell nobody anything."""
    title = " ".join(whole_letters(title).split())
    return "" if title.lower() in JUNK_TITLES else title


def _headings(text: str) -> tuple[Heading, ...]:
    found, fence = list[Heading](), ""
    for match in HEADING_OR_FENCE.finditer(text):
        if match["fence"]:
            fence = fence_after(fence, match["fence"], match["info"])
        elif not fence:
            level, title = len(match["level"]), plain_heading(match["title"])
            found.append(Heading(match.start(), level, title))
    return tuple(found)


def fence_after(fence: str, mark: str, info: str) -> str:
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
