"""What kind of file is this? The name makes a promise, the first bytes must not break it."""

from __future__ import annotations

from knowledge.engine.formats import BY_SUFFIX, REFUSED, Format, Shell, suffix_of
from knowledge.engine.read_text import BOMS

HEAD_BYTES = 4096

# First bytes of what people rename by mistake, and what to call it.
MAGIC = {
    b"%PDF-": "a PDF",
    b"\x89PNG\r\n\x1a\n": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"II*\x00": "an image",
    b"MM\x00*": "an image",
    b"RIFF": "a media file",
    b"PK\x03\x04": "a ZIP or Office file",
    b"PK\x05\x06": "an empty ZIP file",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office file",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"\x1f\x8b": "a compressed file",
    b"Rar!": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
}
SHELLS = {
    Shell.ZIP: ("a ZIP or Office file", "an empty ZIP file"),
    Shell.OLE: ("an old Office file",),
    Shell.IMAGE: ("an image",),
}
LOCKED = "This file has a password. Save a copy without one and send that."
TEXT_CONTROLS = frozenset(b"\t\n\v\f\r\x1b\x00")  # NUL: UTF-16, and exports of old programs
MOST_CONTROLS = 0.02


class WrongType(Exception):
    """The type is not one that can be read, or not the one that the name promises."""


def format_of(name: str, head: bytes) -> str:
    """The key in formats.FORMATS for a file of this name that begins with `head`.

    Raises WrongType with a sentence for the person who sent the file.
    """
    suffix = suffix_of(name)
    if suffix in REFUSED:
        raise WrongType(REFUSED[suffix])
    if suffix not in BY_SUFFIX:
        known = ", ".join(sorted(BY_SUFFIX))
        raise WrongType(f"Files of type “{suffix or 'none'}” cannot be read. Send one of: {known}.")
    promised = BY_SUFFIX[suffix]
    if head and (complaint := _complaint(promised, head)):
        raise WrongType(complaint.format(suffix))
    return promised.key


def _complaint(promised: Format, head: bytes) -> str:
    """Why these first bytes cannot be of the format; "" when they can."""
    found = _magic_of(head)
    if promised.shell is Shell.PDF:
        fits = b"%PDF-" in head[:1024]
        found = found or "no PDF"
    elif promised.shell is Shell.TEXT:
        fits = not found and not _looks_binary(head)
        found = found or "no text"
    else:
        fits = found in SHELLS[promised.shell]
        found = found or f"no {promised.name} file"
    if fits:
        return ""
    if promised.shell is Shell.ZIP and found == "an old Office file":
        return LOCKED if b"E\0n\0c\0r\0y\0p\0t" in head else _OLD.format(found)
    return f"“{{}}” is not the right type: this is {found}."


# Office keeps a locked .docx in its old container; which of both it is shows further down.
_OLD = (
    "“{{}}” is not the right type: this is {}, or it has a password. "
    "Save a copy in today’s format without a password and send that."
)


def _magic_of(head: bytes) -> str:
    if head.startswith(b"MZ") and b"\0" not in head and head[2:3] != b"\x90":
        return ""  # the two letters alone may begin a text; a program has NULs soon after them
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "an image"
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


def _looks_binary(head: bytes) -> bool:
    if head.startswith(tuple(bom for bom, _ in BOMS)):
        return False  # in UTF-16 half of a Russian text's bytes look like controls
    controls = sum(1 for byte in head if byte < 32 and byte not in TEXT_CONTROLS)
    return controls > len(head) * MOST_CONTROLS
