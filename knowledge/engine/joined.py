"""Texts of two encodings, as files are that were joined: some lines UTF-8, the others older.

Python knows such a text as one in an encoding of its own, so that a file of any length opens in it
as in any other.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

BEGIN = "utf_8_or_"
MOST_LINE_BYTES = 1024 * 1024
REPLACEMENT = "\ufffd"
BEYOND_ASCII = bytes(range(128, 256))


def joined(older: str) -> str:
    """The encoding in which each line is UTF-8, or else in the `older` one."""
    return BEGIN + codecs.lookup(older).name


def as_utf8(data: bytes) -> tuple[str, int, int]:
    """Its text as UTF-8, how many letters of that are beyond ASCII, and how many bytes are none."""
    text = data.decode("utf-8", errors="replace")
    broken = text.count(REPLACEMENT)
    if broken:
        broken -= data.count(REPLACEMENT.encode())  # these were in the text before
    return text, len(text) - len(text.encode("ascii", errors="ignore")) - broken, broken


def is_utf8(letters: int, broken: int) -> bool:
    """Also with a few broken bytes, as files have that were cut or pasted together.

    In text of any other encoding hardly a letter beyond ASCII is valid UTF-8 by chance.
    """
    return not broken or letters > 2 * broken


def whole_lines(data: bytes) -> int:
    """Where the last whole line ends; a line without end is cut behind a letter of ASCII."""
    end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    if end or len(data) < MOST_LINE_BYTES:
        return end
    return len(data.rstrip(BEYOND_ASCII)) or len(data)


def _decoded(data: bytes, older: str) -> str:
    text, _, broken = as_utf8(data)
    if not broken:
        return text
    return "".join(_line(line, older) for line in data.splitlines(keepends=True))


def _line(line: bytes, older: str) -> str:
    text, letters, broken = as_utf8(line)
    return text if is_utf8(letters, broken) else line.decode(older, errors="replace")


def _found(name: str) -> codecs.CodecInfo | None:
    if not name.startswith(BEGIN):
        return None
    older = name.removeprefix(BEGIN)

    def decode(data: Buffer, errors: str = "strict") -> tuple[str, int]:
        whole = bytes(data)
        return _decoded(whole, older), len(whole)

    class Decoder(codecs.BufferedIncrementalDecoder):
        def _buffer_decode(self, data: Buffer, errors: str, final: bool) -> tuple[str, int]:
            whole = bytes(data)
            return decode(whole if final else whole[: whole_lines(whole)])

    return codecs.CodecInfo(codecs.utf_8_encode, decode, incrementaldecoder=Decoder, name=name)


codecs.register(_found)
