"""Spreadsheets (XLSX, XLSB, XLS, ODS): each sheet a page, each row under the heads of its columns.

By calamine, which is some twenty times as fast as openpyxl and reads the old format as well. It
takes the values that were last computed: no formula and no macro is ever run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetVisibleEnum,
    WorksheetNotFound,
)

from knowledge.engine.container import DAMAGED
from knowledge.engine.detect import LOCKED
from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.read_html import without_marks
from knowledge.engine.tables import cell_of, is_header, table_lines

Row = list[str]


def read_sheets(path: Path) -> Draft:
    try:
        book = CalamineWorkbook.from_path(str(path))
        return Draft(list(_sheets(book)), paged=True)
    except PasswordError as error:
        raise Unreadable(LOCKED) from error
    except (CalamineError, WorksheetNotFound, OSError, ValueError) as error:
        raise Unreadable(DAMAGED) from error


def _sheets(book: CalamineWorkbook) -> Iterator[str]:
    """What was hidden was not meant for visitors; its place among the pages is kept."""
    for sheet in book.sheets_metadata:
        shown = sheet.visible == SheetVisibleEnum.Visible
        rows = _rows(book, sheet.name) if shown else []
        body = "\n\n".join(_tables(rows))
        yield f"## {cell_of(sheet.name)}\n\n{body}" if body else ""


def _rows(book: CalamineWorkbook, name: str) -> list[Row]:
    sheet = book.get_sheet_by_name(name)
    return [[_cell(value) for value in row] for row in sheet.iter_rows()]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.12g}"
    if isinstance(value, datetime):
        plain = value.time() == time()
        return value.date().isoformat() if plain else value.isoformat(" ", "minutes")
    if isinstance(value, (date, time, timedelta)):
        return str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return cell_of(without_marks(str(value)))


def _tables(rows: list[Row]) -> Iterator[str]:
    """Blocks between empty rows; a line of one cell above a table is text.

    A block that spans the same columns as the one before goes on under its heads.
    """
    header, before = None, (-1, -1)
    for block in _blocks(rows):
        while block and _filled(block[0]) == 1 and max(map(_filled, block)) > 1:
            yield next(cell for cell in block[0] if cell)
            block = block[1:]
        if max(map(_filled, block)) < 2:
            yield "\n".join(cell for row in block for cell in row if cell)
            continue
        first, last = _span(block)
        cut = [row[first:last] for row in block]
        if (first, last) != before:
            header = cut[0] if is_header(cut[0], cut[1:]) else None
            cut = cut[1:] if header else cut
            before = (first, last)
        yield "\n".join(table_lines(header, cut))


def _blocks(rows: list[Row]) -> Iterator[list[Row]]:
    block = list[Row]()
    for row in rows:
        if any(row):
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _filled(row: Row) -> int:
    return sum(1 for cell in row if cell)


def _span(block: list[Row]) -> tuple[int, int]:
    used = [number for row in block for number, cell in enumerate(row) if cell]
    return min(used), max(used) + 1
