"""Texts with light marks or none: plain, Markdown, HTML, RTF, subtitles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.plain_markdown import plain_markdown
from knowledge.engine.read_html import html_to_markdown
from knowledge.engine.read_text import decode, tidy

IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)")
UNSAFE_LINK = re.compile(
    r"\[([^\[\]]*)\]\(\s*(?:javascript|data|vbscript|file):[^()]*(?:\([^()]*\)[^()]*)*\)", re.I
)
FRONT_MATTER = re.compile(
    r"\A\ufeff?(---|\+\+\+)[ \t]*\r?\n(?:.*?\n)?(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL
)
FRONT_TITLE = re.compile(r"^title[ \t]*[:=](.+)$", re.MULTILINE | re.IGNORECASE)
# Its level, of those that headings of Markdown have; 9 is text. Two strokes before are one letter.
RTF_HEADING = re.compile(r"(?<!\\)\\outlinelevel([0-5])(?!\d)")
TIMING = re.compile(r"^\s*(?:(\d+):)?(\d+):(\d+)[.,]\d+\s*-->\s*(?:(\d+):)?(\d+):(\d+)[.,]\d+.*$")
CUE_TAG = re.compile(r"</?[a-zA-Z0-9][^<>]{0,80}>|\{\\[^{}]{0,40}\}")
NO_CUE = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION)\b|\d+$")
PAUSE_SECONDS = 3
LONG_PARAGRAPH = 600


def read_plain(path: Path) -> Draft:
    return Draft([decode(path.read_bytes())], plain=True)


def read_markdown(path: Path) -> Draft:
    title, text = without_front_matter(decode(path.read_bytes()))
    return Draft([shown_markdown(text)], title=title)


def without_front_matter(text: str) -> tuple[str, str]:
    """The title that it gives, and what comes below it."""
    found = FRONT_MATTER.match(text)
    if not found:
        return "", text
    title = FRONT_TITLE.search(found[0])
    return title[1].strip().strip("\"'") if title else "", text[found.end() :]


def shown_markdown(text: str) -> str:
    """A comment is not meant for readers, and an image is a request to somebody's server."""
    return safe_markdown(plain_markdown(_without_comments(text)))


def safe_markdown(text: str) -> str:
    """Without images, and without links that a browser would run."""
    return UNSAFE_LINK.sub(r"\1", IMAGE.sub(r"\1", text))


def _without_comments(text: str) -> str:
    *closed, rest = text.split("-->")
    kept = ""
    for part in closed:
        before, mark, _ = part.partition("<!--")
        kept += before if mark else f"{part}-->"
    return kept + rest


def read_html(path: Path) -> Draft:
    title, text = html_to_markdown(path.read_bytes())
    return Draft([text], title=title)


def read_rtf(path: Path) -> Draft:
    data = path.read_bytes()
    if not data.lstrip()[:5].startswith(b"{\\rtf"):
        raise Unreadable("This file is not of the type that its name says: it is no RTF.")
    try:
        marked = RTF_HEADING.sub(_with_mark, data.decode("latin-1"))
        text = str(rtf_to_text(marked, encoding="cp1252", errors="replace"))
    except (ValueError, IndexError, LookupError) as error:
        raise Unreadable(
            "This RTF file is damaged. Save it again and send the new file."
        ) from error
    return Draft(["\n\n".join(_rtf_blocks(text))])


def _with_mark(found: re.Match[str]) -> str:
    """The library says nothing of headings, but it keeps a mark that stands before the words."""
    return f"{found[0]} {'#' * (int(found[1]) + 1)} "


def _rtf_blocks(text: str) -> Iterator[str]:
    """Paragraphs; rows of a table come with a bar behind each cell."""
    rows = list[str]()
    for line in [*text.split("\n"), ""]:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 2 and not cells[-1]:
            rows.append("| " + " | ".join(cells[:-1]) + " |")
            continue
        if rows:
            rule = "|" + " --- |" * (rows[0].count("|") - 1)
            yield "\n".join([rows[0], rule, *rows[1:]])
            rows = []
        if line.strip(" #"):
            yield line.strip()


def read_subtitles(path: Path) -> Draft:
    return Draft(["\n\n".join(_paragraphs(tidy(decode(path.read_bytes()))))])


def _paragraphs(text: str) -> Iterator[str]:
    """What is said, without numbers and times; a pause or a long speech makes a paragraph."""
    words, size, ended = list[str](), 0, 0
    for start, end, said in _cues(text):
        paused = start - ended > PAUSE_SECONDS
        if words and (paused or (size > LONG_PARAGRAPH and words[-1].endswith((".", "!", "?")))):
            yield " ".join(words)
            words, size = [], 0
        if said and (not words or said != words[-1]):  # rolling captions say each line twice
            words.append(said)
            size += len(said)
        ended = end
    yield " ".join(words)


def _cues(text: str) -> Iterator[tuple[int, int, str]]:
    """When each begins and ends, and what is said; what follows upon a blank line belongs to it."""
    ended = 0
    for block in text.split("\n\n"):
        lines = block.split("\n")
        timed = next((at for at, line in enumerate(lines[:3]) if TIMING.match(line)), None)
        if timed is not None and (found := TIMING.match(lines[timed])):
            parts = [int(part or 0) for part in found.groups()]
            ended = _seconds(parts[3:])
            yield _seconds(parts[:3]), ended, _said(lines[timed + 1 :])
        elif ended and not NO_CUE.match(block):
            yield ended, ended, _said(lines)


def _said(lines: list[str]) -> str:
    return unescape(" ".join(CUE_TAG.sub("", line).strip() for line in lines)).strip()


def _seconds(parts: list[int]) -> int:
    hours, minutes, seconds = parts
    return hours * 3600 + minutes * 60 + seconds
