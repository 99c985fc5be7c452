"""Read a file in a process of its own, so that a hostile one costs that process and nothing else.

Passages come one by one through a pipe that holds 64 kB: however large the text, it is never in
this process, and the reading one waits while these are worked on.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from knowledge.engine.errors import Unreadable
from knowledge.engine.limits import Limits
from knowledge.engine.reading_processes import Child
from knowledge.engine.split import Piece

logger = logging.getLogger(__name__)

MOST_LINE_BYTES = 256 * 1024  # a passage has 1,000 characters and a heading of 300
CHUNK = 64 * 1024
BEAT_SECONDS = 1.0

# Of several together: whichever needs more has the usual time when it is read alone.
OF_SHORT_FILES = Limits(cpu=10, wall=30, pause=30)

Beat = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Reasons:
    """What its owner is told of something that cannot be read."""

    too_long: str
    too_much: str
    broken: str


OF_A_FILE = Reasons(
    "Reading this file took too long. Send it in parts, or as another type of file.",
    "This file needs too much memory to be read. Send it in parts.",
    "This file is damaged, or of a kind that cannot be read. Save it again and send that.",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text that is being read: what is known of the whole, and its passages as they come.

    Of one that `is_long` the number of characters is an estimate. Going through `pieces` raises
    Unreadable when the process ends before the text does.
    """

    title: str
    language: str
    characters: int
    is_long: bool
    pieces: Iterator[Piece]
    note: str = ""  # what of the file could not be read, for its owner


@dataclass(frozen=True, slots=True)
class FileToRead:
    """`title` stands in for one that the file does not have."""

    path: Path
    format: str
    title: str

    @property
    def job(self) -> dict[str, Any]:
        path = str(self.path.resolve())
        return {"path": path, "format": self.format, "title": self.title, "skip": 0}


@contextmanager
def reading(
    path: Path,
    file_format: str,
    *,
    title: str = "",
    skip: int = 0,
    beat: Beat = lambda: None,
    limits: Limits | None = None,
) -> Iterator[Reading]:
    """Read the file without its first `skip` passages; `beat` is called while it takes time.

    `title` stands in for one that the file does not have. Raises Unreadable.
    """
    allowed = limits or Limits().for_bytes(path.stat().st_size)
    job = FileToRead(path, file_format, title).job | {"does": "passages", "skip": skip}
    with telling(job, limits=allowed, reasons=OF_A_FILE, beat=beat) as lines:
        head = lines.next(allowed.wall)["read"]
        yield Reading(**head, pieces=_pieces(lines))


def reading_several(
    files: Sequence[FileToRead], *, beat: Beat = lambda: None
) -> Generator[Reading | None, None, None]:
    """Read short files one after another in one process: the whole of each, or None.

    None says nothing of the file but that it must be read alone: it cannot be read, or the process
    ended with it or with one before it.
    """
    job = {"does": "several", "files": [file.job for file in files]}
    with telling(job, limits=OF_SHORT_FILES, reasons=OF_A_FILE, beat=beat) as lines:
        for _ in files:
            yield None if lines.is_over else _whole(lines)


def _whole(lines: Lines) -> Reading | None:
    try:
        head = lines.next(lines.limits.wall)["read"]
        return Reading(**head, pieces=iter(list(_pieces(lines))))
    except Unreadable:
        return None


@contextmanager
def telling(
    job: dict[str, Any],
    *,
    limits: Limits,
    reasons: Reasons,
    beat: Beat,
    given: IO[bytes] | None = None,
) -> Iterator[Lines]:
    """What a process says that does the job; `given` is a file that it has as standard input."""
    with tempfile.TemporaryFile() as said:
        child = Child(job | {"limits": asdict(limits)}, said, given)
        try:
            yield Lines(child, said, beat, limits, reasons)
        finally:
            child.end()


def _pieces(lines: Lines) -> Iterator[Piece]:
    for position, text, heading, pages, start, end in lines.rest("piece"):
        yield Piece(position, text, heading, tuple(map(tuple, pages)), start, end)


class Lines:
    """The child's lines, each within its time and size."""

    def __init__(
        self, child: Child, said: IO[bytes], beat: Beat, limits: Limits, reasons: Reasons
    ) -> None:
        self.child = child
        self.said = said
        self.beat = beat
        self.limits = limits
        self.reasons = reasons
        self.buffer = b""
        self.is_over = False  # nothing more is told

    def rest(self, name: str) -> Iterator[Any]:
        """What comes by this name until the end."""
        while name in (line := self.next(self.limits.pause)):
            yield line[name]

    def next(self, seconds: float) -> dict[str, Any]:
        """The next line within so many seconds. Raises Unreadable for anything else."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            if len(self.buffer) > MOST_LINE_BYTES:
                raise self._failure("a line without an end")
            chunk = self._chunk(deadline)
            if not chunk:
                raise self._failure("no more lines")
            self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        if "unreadable" in told:
            raise Unreadable(told["unreadable"])
        if "too_much" in told:
            self.is_over = True
            raise Unreadable(self.reasons.too_much)
        return told

    def _chunk(self, deadline: float) -> bytes:
        pipe = self.child.out
        while (left := deadline - time.monotonic()) > 0:
            if select.select([pipe], [], [], min(left, BEAT_SECONDS))[0]:
                return os.read(pipe.fileno(), CHUNK)
            self.beat()
        self.is_over = True
        logger.warning("reading a file took too long")
        raise Unreadable(self.reasons.too_long)

    def _failure(self, what: str) -> Unreadable:
        """Why the process ended, as far as its end tells."""
        self.is_over = True
        code = self.child.code() if what == "no more lines" else 0
        self.said.seek(0)
        words = self.said.read(CHUNK).decode("utf-8", errors="replace").strip().split("\n")[-1]
        logger.warning("reading ended with %s (%s): %s", code, what, words[:500])
        if code in {-signal.SIGXCPU, -signal.SIGKILL}:
            return Unreadable(self.reasons.too_long)
        if code == -signal.SIGABRT or "MemoryError" in words:
            # What libraries in C++ and Rust do without memory.
            return Unreadable(self.reasons.too_much)
        return Unreadable(self.reasons.broken)
