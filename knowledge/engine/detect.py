"""What kind of file is this? The name makes a promise, the first bytes must not break it."""

from __future__ import annotations

from pathlib import PurePath

from knowledge.engine.read_text import BOMS

HEAD_BYTES = 4096

FORMATS = {
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
}
# First bytes of what people rename by mistake, and what to call it.
MAGIC = {
    b"%PDF-": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"RIFF": "a media file",
    b"PK\x03\x04": "a ZIP or Office file",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"\x1f\x8b": "a compressed file",
}
TEXT_CONTROLS = frozenset(b"\t\n\v\f\r\x1b\x00")  # NUL: UTF-16, and exports of old programs
MOST_CONTROLS = 0.02


class WrongType(Exception):
    """The type is not one that can be read, or not the one that the name promises."""


def format_of(name: str, head: bytes) -> str:
    """One of the values of FORMATS for a file of this name that begins with `head`.

    Raises WrongType with a sentence for the person who sent the file.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise WrongType(f"Files of type “{suffix or 'none'}” cannot be read. Send one of: {known}.")
    promised = FORMATS[suffix]
    found = _magic_of(head)
    if promised == "pdf":
        if b"%PDF-" not in head[:1024]:
            raise WrongType(f"“{suffix}” is not the right type: this is {found or 'no PDF'}.")
        return promised
    if found or _looks_binary(head):
        raise WrongType(f"“{suffix}” is not the right type: this is {found or 'no text'}.")
    return promised


def _magic_of(head: bytes) -> str:
    if head.startswith(b"MZ") and b"\0" not in head:
        return ""  # the two letters alone may begin a text; a program has NULs soon after them
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


def _looks_binary(head: bytes) -> bool:
    if head.startswith(tuple(bom for bom, _ in BOMS)):
        return False  # in UTF-16 half of a Russian text's bytes look like controls
    controls = sum(1 for byte in head if byte < 32 and byte not in TEXT_CONTROLS)
    return controls > len(head) * MOST_CONTROLS
