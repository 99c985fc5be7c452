"""Bytes to characters, and characters to tidy lines."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path

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
# In a short text these are as likely as Windows' ones, and hardly anybody uses them any more.
OF_DOS_AND_MAC = re.compile(r"mac_|hp_|cp(437|720|737|775|85\d|86\d|1125)$")
LEAST_LETTERS, LEAST_SHARE = 4, 0.33  # in UTF-8, and of the lines, in a file of two encodings
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
HALVES = re.compile(r"[\ud800-\udfff]")
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
        return data.decode(utf16, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        whole = _by_lines(data) or _mostly_utf8(data)
        return whole or data.decode(_most_likely(data), errors="replace")


def encoding_of(path: Path) -> str:
    """What `decode` would decode a file by that is too long to be held."""
    with path.open("rb") as file:
        head = file.read(DETECTION_BYTES)
        for bom, encoding in BOMS:
            if head.startswith(bom):
                return encoding
        if (utf16 := _utf16_without_mark(head)) is not None:
            return utf16
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        valid = broken = 0
        while chunk := file.read(DETECTION_BYTES):
            text = decoder.decode(chunk)
            valid, broken = valid + _beyond_ascii(text), broken + text.count("\ufffd")
    return "utf-8" if not broken or valid - broken > 2 * broken else _most_likely(head)


def _utf16_without_mark(data: bytes) -> str | None:
    """The encoding, since Western text in UTF-16 has a NUL at every second place."""
    head = data[:4096]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[offset::2].count(0)
        if len(head) >= 4 and zeros > len(head) * 0.4 and head[1 - offset :: 2].count(0) == 0:
            return encoding
    return None


def _mostly_utf8(data: bytes) -> str | None:
    """UTF-8 with a few broken bytes, as files are that were cut or pasted together.

    In text of any other encoding hardly a letter beyond ASCII is valid UTF-8 by chance.
    """
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    return text if _beyond_ascii(text) - broken > 2 * broken else None


def _by_lines(data: bytes) -> str | None:
    """Some lines UTF-8 and the others in one older encoding, as files are that were joined."""
    lines = data.splitlines(keepends=True)
    valid = [_utf8_or_none(line) for line in lines]
    letters = [count for text in valid if text and (count := _beyond_ascii(text))]
    old = [line for line, text in zip(lines, valid, strict=True) if text is None]
    # Short lines of Chinese or Thai in an older encoding are valid UTF-8 by chance now and then.
    if sum(letters) < LEAST_LETTERS or len(letters) < LEAST_SHARE * (len(letters) + len(old)):
        return None
    encoding = _encoding_or_none(b"".join(old))
    if encoding is None:
        return None
    return "".join(
        line.decode(encoding, errors="replace") if text is None else text
        for line, text in zip(lines, valid, strict=True)
    )


def _utf8_or_none(line: bytes) -> str | None:
    """Also with a broken byte or two among many that are valid."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return _mostly_utf8(line)


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", errors="ignore"))


def _most_likely(data: bytes) -> str:
    encoding = _encoding_or_none(data)
    if encoding is None:
        raise Unreadable(
            "The encoding of this text is unknown. Save it as UTF-8 and send it again."
        )
    return encoding


def _encoding_or_none(data: bytes) -> str | None:
    found = list(from_bytes(data[:DETECTION_BYTES]))  # best first
    likely = [one for one in found if one.chaos <= found[0].chaos]
    ours = [one for one in likely if not OF_DOS_AND_MAC.match(one.encoding)]
    return (ours or likely)[0].encoding if likely else None


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
