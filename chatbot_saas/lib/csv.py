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


def as_typed(cell: str) -> str:
    """A cell that rows_as_csv wrote, as it was before."""
    return cell[1:] if cell.startswith("'") and _looks_like_a_formula(cell) else cell


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and _looks_like_a_formula(cell):
        return f"'{cell}"
    return cell


def _looks_like_a_formula(cell: str) -> bool:
    """Also behind quotation marks of its own: one more tells them from ours."""
    return cell.lstrip("'").startswith(FORMULA_STARTS)
