"""Texts that are too long to be held at once come in sections: plain text, Markdown, tables of
values, JSON Lines. Other formats have a container that must be held, and their limits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from knowledge.engine.document import Draft, ReadText, compose
from knowledge.engine.errors import Unreadable
from knowledge.engine.read_data import (
    BAD_JSON,
    SAMPLE_CHARACTERS,
    SAMPLE_ROWS,
    delimiter_of,
    lines_of,
    lines_of_table,
)
from knowledge.engine.read_markup import shown_markdown, without_front_matter
from knowledge.engine.read_text import encoding_of
from knowledge.engine.tables import RULE

LONG_BYTES = 32 * 1024 * 1024
SECTION_CHARACTERS = 1_000_000
RECORDS = 1000
BORDERS = ("\n#", "\n\n", "\n", " ")


def is_long(path: Path, file_format: str) -> bool:
    """Whether `sections` reads the file, instead of a reader that holds all of it."""
    if path.stat().st_size < LONG_BYTES or file_format not in READERS:
        return False
    return file_format != "json" or _is_json_lines(path)


def sections(path: Path, file_format: str) -> Iterator[ReadText]:
    """The text in sections of about a million characters. Raises Unreadable."""
    found = False
    for draft in READERS[file_format](path):
        if any(letter.isalnum() for part in draft.parts for letter in part):
            found = True
            yield compose(draft)
    if not found:
        raise Unreadable("There is no text in this file.")


def _plain(path: Path) -> Iterator[Draft]:
    with _opened(path) as file:
        for text in _stretches(file):
            yield Draft([text], plain=True)


def _markdown(path: Path) -> Iterator[Draft]:
    with _opened(path) as file:
        stretches = _stretches(file)
        title, begin = without_front_matter(next(stretches))
        for text in chain([begin], stretches):
            yield Draft([shown_markdown(text)], title=title)
            title = ""


def _csv(path: Path) -> Iterator[Draft]:
    with _opened(path) as file:
        delimiter = delimiter_of(file.read(SAMPLE_CHARACTERS))
    return _table(path, delimiter)


def _tsv(path: Path) -> Iterator[Draft]:
    return _table(path, "\t")


def _table(path: Path, delimiter: str) -> Iterator[Draft]:
    """Each section begins with the names of the columns."""
    with _opened(path, newline="") as file:
        lines = lines_of_table(file, delimiter)
        first = list(islice(lines, SAMPLE_ROWS))
        rule = next((at for at, line in enumerate(first) if RULE.fullmatch(line)), 0)
        titles, head, rest = first[: rule - 1], first[rule - 1 : rule + 1], first[rule + 1 :]
        if not rule:
            titles, head, rest = [], [], first
        for rows in _batches(chain(rest, lines)):
            yield Draft(["\n".join([*titles, *head, *rows])])
            titles = []


def _json_lines(path: Path) -> Iterator[Draft]:
    with _opened(path) as file:
        numbered = ((number, line) for number, line in enumerate(file, 1) if line.strip())
        while records := [_record(*one) for one in islice(numbered, RECORDS)]:
            yield Draft(["\n".join(lines_of(records))])


def _record(number: int, line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable(BAD_JSON.format(f"line {number}")) from error


def _is_json_lines(path: Path) -> bool:
    """Whether the first line is a record by itself."""
    with _opened(path) as file:
        line = file.readline(SECTION_CHARACTERS)
    try:
        return line.endswith("\n") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _opened(path: Path, newline: str | None = None) -> TextIO:
    return path.open(encoding=encoding_of(path), errors="replace", newline=newline)


def _stretches(file: TextIO) -> Iterator[str]:
    """The whole text, cut before headings where there are any, else between paragraphs."""
    rest = ""
    while more := file.read(SECTION_CHARACTERS):
        rest += more
        if len(rest) >= SECTION_CHARACTERS:
            end = _border(rest)
            yield rest[:end]
            rest = rest[end:]
    yield rest


def _border(text: str) -> int:
    for border in BORDERS:
        at = text.rfind(border, len(text) // 2)
        if at > 0:
            return at + 1
    return len(text)


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    batch, size = list[str](), 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size > SECTION_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


READERS: dict[str, Callable[[Path], Iterator[Draft]]] = {
    "text": _plain,
    "markdown": _markdown,
    "csv": _csv,
    "tsv": _tsv,
    "json": _json_lines,
}
