"""Questions and answers as CSV: what spreadsheets make of it is read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from chatbot_saas.lib.csv import as_typed, rows_as_csv
from chatbot_saas.lib.errors import BadRequest
from knowledge.engine.errors import Unreadable
from knowledge.engine.read_text import decode
from knowledge.models import Faq
from knowledge.pairs import MOST_FAQS, Pair, checked, priority_named

COLUMNS = ("question", "answer", "category", "priority")
NEEDED = COLUMNS[:2]
MOST_MISTAKES = 20  # that are told at once
DELIMITERS = (",", ";", "\t")
BOM = "\ufeff"  # without it Excel takes UTF-8 for the encoding of its country


@dataclass(frozen=True, slots=True)
class Row:
    """A pair of a file; None for what the file has no column for."""

    question: str
    answer: str
    key: str
    category: str | None
    priority: Faq.Priority | None

    def pair(self, there: Faq | None = None) -> Pair:
        """With what it does not say as it is `there`."""
        pair = Pair(self.question, self.answer)
        if there is not None:
            priority = Faq.Priority(there.priority)
            pair = replace(pair, category=there.category, priority=priority)
        if self.category is not None:
            pair = replace(pair, category=self.category)
        return pair if self.priority is None else replace(pair, priority=self.priority)


class Mistakes(BadRequest):
    """What is wrong in a file, by its rows; nothing of it was taken."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("csv", " ".join(reasons))
        self.reasons = reasons


def written(faqs: Iterable[Faq]) -> Iterator[str]:
    """The lines of a file that `read` gives back as they were."""
    yield BOM
    rows = (
        (faq.question, faq.answer, faq.category, Faq.Priority(faq.priority).name.lower())
        for faq in faqs
    )
    yield from rows_as_csv(row for group in ([COLUMNS], rows) for row in group)


def read(data: bytes) -> list[Row]:
    """The pairs of a file. Raises Mistakes that name the rows, as a spreadsheet counts them."""
    table = _table(data)
    number, header = next(table, (1, []))
    places = _places(header)
    rows, mistakes, first = list[Row](), list[str](), dict[str, int]()
    for number, cells in table:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            row = _row(cells, places, len(header))
        except BadRequest as error:
            mistakes.append(f"Row {number}: {error.message}")
            continue
        if row.key in first:
            mistakes.append(f"Row {number}: The question is the same as in row {first[row.key]}.")
        first.setdefault(row.key, number)
        rows.append(row)
        if len(rows) > MOST_FAQS:
            raise Mistakes([f"A file has {MOST_FAQS:,} questions at most. Send it in parts."])
    if mistakes:
        raise Mistakes(_first_of(mistakes))
    if not rows:
        raise Mistakes(["There is no question in this file."])
    return rows


def _table(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows with their numbers, from the header on."""
    text = _text(data)
    first, _, rest = text.partition("\n")
    told = first.strip().lower()
    if told.startswith("sep=") and len(told) == 5:  # a line of Excel's own
        yield from _rows(rest, told[4], 2)
    else:
        yield from _rows(text, _delimiter(first), 1)


def _rows(text: str, delimiter: str, number: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise Mistakes(
                [f"Row {number}: A quotation mark is missing or stands in the wrong place."]
            ) from None
        yield number, cells
        number += 1


def _text(data: bytes) -> str:
    if data.startswith(b"PK\x03\x04"):
        raise Mistakes(["This is a workbook. Save it as CSV in your spreadsheet and send that."])
    try:
        text = decode(data)
    except Unreadable as error:
        raise Mistakes([str(error)]) from None
    return text.removeprefix(BOM).replace("\r\n", "\n").replace("\r", "\n")


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _places(header: Sequence[str]) -> dict[str, int]:
    """At which place each of our columns stands."""
    names = [" ".join(name.casefold().split()) for name in header]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise Mistakes(
            [
                f"The first row must name the columns, and there is none named “{missing[0]}”."
                " Their names are question, answer, category and priority."
            ]
        )
    return {name: names.index(name) for name in COLUMNS if name in names}


def _row(cells: Sequence[str], places: dict[str, int], width: int) -> Row:
    if len(cells) > width:  # what stands behind a comma of the text would be cut off
        raise BadRequest("csv", "There are more cells than columns. Put quotes around the text.")

    def cell(name: str) -> str | None:
        at = places.get(name)
        return None if at is None else as_typed(cells[at]) if at < len(cells) else ""

    named = cell("priority")
    priority = None if named is None else priority_named(named)
    category = cell("category")
    pair = checked(cell("question") or "", cell("answer") or "", category or "")
    kept = None if category is None else pair.category
    return Row(pair.question, pair.answer, pair.key, kept, priority)


def _first_of(mistakes: Sequence[str]) -> list[str]:
    rest = len(mistakes) - MOST_MISTAKES
    more = [f"And {rest:,} more."] if rest > 0 else []
    return [*mistakes[:MOST_MISTAKES], *more]
