"""CSV that spreadsheets open without running anything in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

# A cell that begins so is a formula to spreadsheets; the text may come from strangers.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def rows_as_csv(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Each row as a line of CSV, one at a time."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([_harmless(cell) for cell in row])


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell
