"""Data as text: CSV, TSV, JSON, Jupyter notebooks. Each value stays with its name."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.read_html import html_to_markdown, without_marks
from knowledge.engine.read_markup import safe_markdown
from knowledge.engine.read_text import decode
from knowledge.engine.tables import cell_of, is_header, table_lines

SAMPLE_CHARACTERS = 20_000
SAMPLE_ROWS = 100
MOST_FIELD_CHARACTERS = 32_000_000  # as long_text.LONG_BYTES; csv holds four bytes for each
DELIMITERS = ",;\t|"
SAYS_DELIMITER = "sep="  # Excel takes it from a first line of this and the delimiter
SAID_DELIMITER = re.compile(rf"{SAYS_DELIMITER}([{re.escape(DELIMITERS)}])\r?\n")
MOST_DEPTH = 60
BAD_JSON = "This JSON is damaged: {}. Export it again and send the new file."


def read_csv(path: Path) -> Draft:
    text = decode(path.read_bytes())
    return Draft([_table(text, delimiter_of(text[:SAMPLE_CHARACTERS]))])


def read_tsv(path: Path) -> Draft:
    return Draft([_table(decode(path.read_bytes()), "\t")])


def delimiter_of(sample: str) -> str:
    """The one that cuts most of the first lines into the same number of cells, and many of them.

    Titles above the table, which it does not cut, say nothing of it. csv.Sniffer takes seconds for
    a long line, and letters for delimiters.
    """
    if said := SAID_DELIMITER.match(sample):
        return said[1]
    lines = [line for line in sample.split("\n")[:50] if line.strip()][:-1] or [sample]

    def fit(delimiter: str) -> tuple[int, int]:
        counts = [count for line in lines if (count := line.count(delimiter))]
        usual = max(set(counts), key=counts.count, default=0)
        return (counts.count(usual), usual)

    return max(DELIMITERS, key=fit)


def _table(text: str, delimiter: str) -> str:
    return "\n".join(lines_of_table(io.StringIO(text, newline=""), delimiter))


def lines_of_table(text: Iterable[str], delimiter: str) -> Iterator[str]:
    """The lines of a file of separated values as those of a table."""
    csv.field_size_limit(MOST_FIELD_CHARACTERS)
    lines = (line.replace("\0", " ") for line in text)
    try:
        yield from _table_lines(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise Unreadable(
            "This table is damaged: a cell of it does not end. Export it again and send that."
        ) from error


def _table_lines(lines: Iterable[list[str]]) -> Iterator[str]:
    """Row by row: as lists of cells a large table would take ten times its size."""
    rows = (list(map(_cell, row)) for row in lines if any(cell.strip() for cell in row))
    first = list(islice(rows, SAMPLE_ROWS))
    if first and first[0][0] == SAYS_DELIMITER:
        first = first[1:]
    if all(len(row) < 2 for row in first):
        return (" ".join(row) for row in chain(first, rows))
    above = _titles(first)
    titles = [" ".join(filter(None, row)).lstrip("# ") for row in first[:above]]
    first = first[above:]
    rest = chain(first, rows)
    head = [*first[0], *[""] * (max(map(len, first)) - len(first[0]))]
    named = is_header(head, first[1:]) or (len(first) > 1 and all(head) and not _has_digits(head))
    table = table_lines(head if named else None, islice(rest, int(named), None))
    return chain(titles, [""], table) if titles else table


def _cell(text: str) -> str:
    return cell_of(without_marks(text))


def _titles(rows: list[list[str]]) -> int:
    """How many rows stand above the table: from one of a single cell to the first full one."""
    filled = [sum(map(bool, row)) for row in rows]
    usual = max(filled, key=filled.count)
    return filled.index(usual) if filled[0] == 1 < usual else 0


def _has_digits(row: list[str]) -> bool:
    return any(letter.isdigit() for cell in row for letter in cell)


def read_json(path: Path) -> Draft:
    text = decode(path.read_bytes())
    data = _loaded(text)
    title = data.get("title", "") if isinstance(data, dict) else ""
    return Draft(["\n".join(lines_of(data))], title=title if isinstance(title, str) else "")


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise Unreadable(BAD_JSON.format("it is nested too deep")) from error
    except ValueError as error:
        lines = [line for line in text.split("\n") if line.strip()]
        try:
            if len(lines) > 1:
                return [json.loads(line) for line in lines]
        except (ValueError, RecursionError):
            pass  # no JSON Lines either: the first complaint is the one that helps
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "a number"
        raise Unreadable(BAD_JSON.format(where)) from error


def lines_of(data: Any) -> Iterator[str]:
    """Objects become "path: value", lists of like objects tables; without recursion."""
    waiting: list[tuple[str, Any]] = [("", data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, list) and _is_table(value):
            yield from ("", f"{path}:" if path else "", *_object_table(value), "")
        elif isinstance(value, (dict, list)) and path.count(" › ") < MOST_DEPTH:
            waiting.extend(reversed(list(_children(path, value))))
        elif value not in (None, "", [], {}):
            shown = _scalar(value)
            yield f"- {path}: {shown}" if path else shown


def _children(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        if value and all(_is_scalar(one) for one in value) and len(value) <= 50:
            yield path, ", ".join(_scalar(one) for one in value)
            return
        for one in value:
            yield path, one
        return
    for name, one in value.items():
        yield f"{path} › {name}" if path else str(name), one


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, (dict, list))


def _is_table(value: list[Any]) -> bool:
    return len(value) > 1 and all(
        isinstance(row, dict) and row and all(_is_scalar(cell) for cell in row.values())
        for row in value
    )


def _object_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) == 1:
        return iter([f"- {names[0]}: {_scalar(row.get(names[0]))}" for row in rows])
    cells = ([cell_of(_scalar(row.get(name))) for name in names] for row in rows)
    return table_lines([cell_of(name) for name in names], cells)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(without_marks(value).split())
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def read_notebook(path: Path) -> Draft:
    data = _loaded(decode(path.read_bytes()))
    if not isinstance(data, dict) or not isinstance(data.get("cells"), list):
        raise Unreadable("This file is not of the type that its name says: it is no notebook.")
    metadata = data.get("metadata")
    title = metadata.get("title", "") if isinstance(metadata, dict) else ""
    cells = [cell for cell in data["cells"] if isinstance(cell, dict)]
    return Draft(["\n\n".join(filter(None, map(_notebook_cell, cells)))], title=str(title))


def _notebook_cell(cell: dict[str, Any]) -> str:
    source = _joined(cell.get("source"))
    if cell.get("cell_type") == "markdown":
        return safe_markdown(source)
    if cell.get("cell_type") != "code":
        return source
    outputs = [one for one in cell.get("outputs") or [] if isinstance(one, dict)]
    said = "\n\n".join(filter(None, map(_output, outputs)))
    code = f"```\n{source.strip()}\n```" if source.strip() else ""
    return f"{code}\n\n{said}".strip()


def _output(output: dict[str, Any]) -> str:
    """What the code printed: never an error's trace, never a picture."""
    data = output.get("data")
    if not isinstance(data, dict):
        text = _joined(output.get("text"))
        return f"```\n{text.strip()}\n```" if text.strip() else ""
    if "text/markdown" in data:
        return safe_markdown(_joined(data["text/markdown"]))
    if "text/html" in data and "<table" in _joined(data["text/html"]):
        return html_to_markdown(_joined(data["text/html"]).encode(), whole=True)[1]
    text = _joined(data.get("text/plain"))
    return f"```\n{text.strip()}\n```" if text.strip() else ""


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(str(line) for line in source)
    return source if isinstance(source, str) else ""
