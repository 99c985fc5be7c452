"""Bytes to characters, and characters to tidy lines."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from knowledge.engine.encoding import encoding_of_lines
from knowledge.engine.errors import Unreadable
from knowledge.engine.joined import whole_lines

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What programs call by the first of these names is Windows' own, as browsers know as well.
WINDOWS_OF = {"iso-8859-1": "cp1252", "iso-8859-9": "cp1254"}
HEAD_BYTES = 4096
BLOCK_BYTES = 256 * 1024
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
HALVES = re.compile(r"[\ud800-\udfff]")
# Begins only where a run of spaces does: else each of a million of them would be tried.
TRAILING = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]+$", re.MULTILINE)
BLANK_LINES = re.compile(r"\n{3,}")


def decode(data: bytes) -> str:
    """The text of `data`: by its byte order mark, else UTF-8, else the most likely encoding."""
    if not data.strip():
        raise Unreadable("This file is empty.")
    if (encoding := _by_its_head(data)) is not None:
        return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(encoding_of_lines([data]), errors="replace")


def decode_as(data: bytes, said: str) -> str:
    """The text of `data` in the encoding that it says it is in, where that holds."""
    try:
        return data.decode(WINDOWS_OF.get(said, said))
    except (LookupError, UnicodeError):
        return decode(data)


def encoding_of(path: Path) -> str:
    """What `decode` would decode a file by that is too long to be held."""
    with path.open("rb") as file:
        if (encoding := _by_its_head(file.read(HEAD_BYTES))) is not None:
            return encoding
        file.seek(0)
        return encoding_of_lines(_blocks(file))


def _by_its_head(data: bytes) -> str | None:
    marked = (encoding for bom, encoding in BOMS if data.startswith(bom))
    return next(marked, None) or _utf16_without_mark(data[:HEAD_BYTES])


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while more := file.read(BLOCK_BYTES):
        rest += more
        end = whole_lines(rest)
        yield rest[:end]
        rest = rest[end:]
    yield rest


def _utf16_without_mark(head: bytes) -> str | None:
    """The encoding, since Western text in UTF-16 has a NUL at every second place."""
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[offset::2].count(0)
        if len(head) >= 4 and zeros > len(head) * 0.4 and head[1 - offset :: 2].count(0) == 0:
            return encoding
    return None


def whole_letters(text: str) -> str:
    """Halves of a letter, as programs leave that cut texts, are no text: put together, or left
    out."""
    if not HALVES.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def tidy(text: str) -> str:
    """One kind of line end, no control characters, no runs of blank lines; composed letters."""
    text = whole_letters(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = CONTROLS.sub(" ", unicodedata.normalize("NFC", text))
    return BLANK_LINES.sub("\n\n", TRAILING.sub("", text)).strip("\n")
