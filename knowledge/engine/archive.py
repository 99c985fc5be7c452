"""A ZIP of documents: its members, one after the other, within limits and never by their paths."""

from __future__ import annotations

import os
import posixpath
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from knowledge.engine.container import DAMAGED, ENCRYPTED, TOO_LARGE, UNPACKING, opened
from knowledge.engine.detect import HEAD_BYTES, LOCKED, WrongType, format_of
from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.formats import suffix_of

MOST_MEMBERS = 1_000
MOST_BYTES = 1024 * 1024 * 1024
MOST_RATIO = 200  # unpacked to packed: text reaches 20, a bomb 1,000
MOST_NAME_CHARACTERS = 200
CHUNK = 1024 * 1024
TAIL_BYTES = 66_000  # holds the end of the directory, whatever comment follows it
END_OF_DIRECTORY, END_BYTES = b"PK\x05\x06", 22
# Large archives have another end before that one, and those of programs that cannot know before
# how large they will be.
ZIP64_LOCATOR, LOCATOR_BYTES = b"PK\x06\x07", 20
ZIP64_END, ZIP64_END_BYTES = b"PK\x06\x06", 56
MOST_DIRECTORY_BYTES = 4 * CHUNK
# What operating systems and programs leave in archives, and nobody means to send.
LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive: its safe name, its format, its size, and its bytes by `chunks`."""

    name: str
    format: str
    size: int
    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo

    def chunks(self) -> Iterator[bytes]:
        """The bytes, never more than the entry promises. Raises Unreadable."""
        left = self.size
        try:
            with self.archive.open(self.entry) as file:
                while data := file.read(CHUNK):
                    left -= len(data)
                    if left < 0:
                        raise Unreadable(TOO_LARGE)
                    yield data
        except UNPACKING as error:
            raise Unreadable(DAMAGED) from error


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file of the archive that is not taken, and why."""

    name: str
    reason: str


def members(path: Path) -> Iterator[Member | Refusal]:
    """Each file of the archive: one to take, or why not. Raises Unreadable for the whole of it.

    A Member must be used before the next one is asked for.
    """
    _check_directory(path)
    with opened(path) as container:
        entries = [one for one in container.archive.infolist() if not _is_litter(one)]
        if len(entries) > MOST_MEMBERS:
            raise Unreadable(f"This ZIP holds more than {MOST_MEMBERS:,} files. Send it in parts.")
        packed = sum(entry.compress_size for entry in entries)
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > MOST_BYTES or unpacked > max(packed, CHUNK) * MOST_RATIO:
            raise Unreadable(TOO_LARGE)
        if not entries:
            raise Unreadable("There is no file in this ZIP.")
        for entry in entries:
            yield _member(container.archive, entry)


def _check_directory(path: Path) -> None:
    """Raise Unreadable for a list of entries that would fill the memory once it is read.

    Archives are opened by the worker itself, not by a process with limits.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        tail = file.read()
        at = tail.rfind(END_OF_DIRECTORY, 0, max(len(tail) - END_BYTES + 4, 0))
        if at >= 0 and _directory_bytes(file, tail, at) > MOST_DIRECTORY_BYTES:
            raise Unreadable(TOO_LARGE)


def _directory_bytes(file: IO[bytes], tail: bytes, at: int) -> int:
    """What the end of the directory, at this place of the tail, says of the directory's size."""
    locator = tail[max(at - LOCATOR_BYTES, 0) : at]
    if not locator.startswith(ZIP64_LOCATOR):
        return _number(tail[at + 12 : at + 16])
    # Python looks for the other end in one place or the other: a liar may have put one in each.
    beside = tail[max(at - LOCATOR_BYTES - ZIP64_END_BYTES, 0) :][:ZIP64_END_BYTES]
    file.seek(min(_number(locator[8:16]), file.seek(0, os.SEEK_END)))
    ends = (beside, file.read(ZIP64_END_BYTES))
    sizes = [_number(end[40:48]) for end in ends if end.startswith(ZIP64_END)]
    if not sizes:
        raise Unreadable(DAMAGED)
    return max(sizes)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _is_litter(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    return entry.is_dir() or name.startswith(LITTER) or posixpath.basename(name) in LITTER


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member | Refusal:
    name = safe_name(entry.filename)
    if not name:
        return Refusal(entry.filename[:MOST_NAME_CHARACTERS], "Its name leads out of the archive.")
    if entry.flag_bits & ENCRYPTED:
        return Refusal(name, LOCKED)
    if not entry.file_size:
        return Refusal(name, "This file is empty.")
    if suffix_of(name) == ".zip":
        return Refusal(name, "A ZIP within a ZIP is not opened.")
    try:
        with archive.open(entry) as file:
            return Member(name, format_of(name, _head(file)), entry.file_size, archive, entry)
    except WrongType as error:
        return Refusal(name, str(error))
    except UNPACKING:
        return Refusal(name, DAMAGED)


def _head(file: IO[bytes]) -> bytes:
    return file.read(HEAD_BYTES)


def safe_name(name: str) -> str:
    """The name with its folders as words; "" for one that leads out of the archive."""
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or ":" in parts[0]:
        return ""
    plain = " – ".join(part for part in parts if part not in {"", "."})
    shown = "".join(c for c in plain if unicodedata.category(c)[0] != "C").strip(". ")
    stem, dot, suffix = shown.rpartition(".")
    if len(shown) > MOST_NAME_CHARACTERS and dot:
        shown = f"{stem[: MOST_NAME_CHARACTERS - len(suffix) - 1]}.{suffix}"
    return shown[:MOST_NAME_CHARACTERS]


def refuse(path: Path) -> Draft:
    """A ZIP is no text: its members become documents of their own before anything is read."""
    raise Unreadable("This ZIP was not unpacked. Send the files in it one by one.")
