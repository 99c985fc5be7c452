"""The process that reads one file, or several short ones; forked by reading_server.py, which knows
as little as this one.

It says what it found as lines of JSON: first the whole text's title, language and length, then a
line for each passage, then the end; or one line with the reason why nothing can be read. What it
says of a page of the web or a sitemap stands in web/telling.py. It knows no settings, no keys and
no database, so that a file that takes it over finds nothing in it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from knowledge.engine import long_text
from knowledge.engine.document import ReadText
from knowledge.engine.errors import Unreadable
from knowledge.engine.limits import Limits
from knowledge.engine.read import read
from knowledge.engine.split import Piece, split, split_sections
from knowledge.engine.web import telling
from knowledge.engine.web.telling import Line

PARENT_DIES = 1  # PR_SET_PDEATHSIG: a worker that was killed leaves nobody behind


def main(job: dict[str, Any]) -> None:
    # Libraries print warnings; they must not come between the lines.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    die_with_parent()
    Limits(**job["limits"]).impose()
    try:
        for line in TELLERS[job["does"]](job):
            _say(out, line)
    except Unreadable as error:
        _say(out, {"unreadable": str(error)})
    except (MemoryError, RecursionError):
        _say(out, {"too_much": True})


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PARENT_DIES, signal.SIGKILL)


def _passages(job: dict[str, Any]) -> Iterator[Line]:
    """The head is told with the first passage that is wanted: a long text takes until then."""
    head, pieces = _read(Path(job["path"]), job["format"], job["title"])
    wanted = islice(pieces, job["skip"], None)
    first = list(islice(wanted, 1))
    yield {"read": head}
    for piece in chain(first, wanted):
        yield {"piece": _fields(piece)}
    yield {"end": True}


def _several(job: dict[str, Any]) -> Iterator[Line]:
    """Of each file in turn what would be told of it alone."""
    for one in job["files"]:
        try:
            yield from _passages(one)
        except Unreadable as error:
            yield {"unreadable": str(error)}


TELLERS = {
    "passages": _passages,
    "several": _several,
    "page": telling.page,
    "sitemap": telling.sitemap,
}


def _read(path: Path, file_format: str, title: str) -> tuple[dict[str, Any], Iterator[Piece]]:
    """What is known of the whole, and its passages."""
    if not long_text.is_long(path, file_format):
        text = read(path, file_format)
        head = _head(text, len(text.text), is_long=False)
        return head, split(text, title=text.title or title)
    sections = long_text.sections(path, file_format)
    begin = next(sections)
    # Of a byte a character: how many there are is not known before the end.
    head = _head(begin, path.stat().st_size, is_long=True)
    return head, split_sections(chain([begin], sections), title=begin.title or title)


def _head(text: ReadText, characters: int, *, is_long: bool) -> dict[str, Any]:
    known = {"title": text.title, "language": text.language, "note": text.note}
    return {**known, "characters": characters, "is_long": is_long}


def _fields(piece: Piece) -> list[Any]:
    return [piece.position, piece.text, piece.heading, piece.pages, piece.start, piece.end]


def _say(out: IO[str], line: Line) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()
