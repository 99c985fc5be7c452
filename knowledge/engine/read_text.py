"""Bytes to characters, and characters to tidy lines."""

from __future__ import annotations

import codecs
import re
import unicodedata

from charset_normalizer import from_bytes

from knowledge.engine.errors import Unreadable

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DETECTION_BYTES = 256 * 1024
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
# Begins only where a run of spaces does: else each of a million of them would be tried.
TRAILING = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]+$", re.MULTILINE)
BLANK_LINES = re.compile(r"\n{3,}")


def decode(data: bytes) -> str:
    """The text of `data`: by its byte order mark, else UTF-8, else the most likely encoding."""
    if not data.strip():
        raise Unreadable("This file is empty.")
    for bom, encoding in BOMS:
        if data.startswith(bom):
            return data.decode(encoding, errors="replace")
    if (utf16 := _utf16_without_mark(data)) is not None:
        return utf16
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _mostly_utf8(data) or _most_likely(data)


def _utf16_without_mark(data: bytes) -> str | None:
    """Western text in UTF-16 has a NUL at every second place."""
    head = data[:4096]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[offset::2].count(0)
        if len(head) >= 4 and zeros > len(head) * 0.4 and head[1 - offset :: 2].count(0) == 0:
            return data.decode(encoding, errors="replace")
    return None


def _mostly_utf8(data: bytes) -> str | None:
    """UTF-8 with a few broken bytes, as files are that were cut or pasted together.

    In text of any other encoding hardly a letter beyond ASCII is valid UTF-8 by chance.
    """
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    valid = len(text) - len(text.encode("ascii", errors="ignore")) - broken
    return text if valid > 2 * broken else None


def _most_likely(data: bytes) -> str:
    best = from_bytes(data[:DETECTION_BYTES]).best()
    if best is None:
        raise Unreadable(
            "The encoding of this text is unknown. Save it as UTF-8 and send it again."
        )
    return data.decode(best.encoding, errors="replace")


def tidy(text: str) -> str:
    """One kind of line end, no control characters, no runs of blank lines; composed letters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = CONTROLS.sub(" ", unicodedata.normalize("NFC", text))
    return BLANK_LINES.sub("\n\n", TRAILING.sub("", text)).strip("\n")
