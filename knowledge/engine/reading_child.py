"""The process that reads one file: forked by reading_server.py, which knows as little as this one.

It says what it found as lines of JSON: first the whole text's title, language and length, then a
line for each passage, then the end; or one line with the reason why nothing can be read. It knows
no settings, no keys and no database, so that a file that takes it over finds nothing in it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
from itertools import islice
from pathlib import Path
from typing import IO, Any

from knowledge.engine.errors import Unreadable
from knowledge.engine.limits import Limits
from knowledge.engine.read import read
from knowledge.engine.split import Piece, split

PARENT_DIES = 1  # PR_SET_PDEATHSIG: a worker that was killed leaves nobody behind
NEEDS_TOO_MUCH = "This file needs too much memory to be read. Send it in parts."


def main(job: dict[str, Any]) -> None:
    # Libraries print warnings; they must not come between the lines.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    die_with_parent()
    Limits(**job["limits"]).impose()
    try:
        _tell(out, Path(job["path"]), job["format"], title=job["title"], skip=job["skip"])
    except Unreadable as error:
        _say(out, {"unreadable": str(error)})
    except (MemoryError, RecursionError):
        _say(out, {"unreadable": NEEDS_TOO_MUCH})


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PARENT_DIES, signal.SIGKILL)


def _tell(out: IO[str], path: Path, file_format: str, *, title: str, skip: int) -> None:
    text = read(path, file_format)
    head = {"title": text.title, "language": text.language, "characters": len(text.text)}
    _say(out, {"read": head})
    for piece in islice(split(text, title=text.title or title), skip, None):
        _say(out, {"piece": _fields(piece)})
    _say(out, {"end": True})


def _fields(piece: Piece) -> list[Any]:
    return [piece.position, piece.text, piece.heading, piece.pages, piece.start, piece.end]


def _say(out: IO[str], line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()
