"""Rows under their header, wherever the text is cut."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from knowledge.engine.document import Draft, compose
from knowledge.engine.read import read
from knowledge.engine.split import split
from knowledge.engine.tables import is_header, markdown_table, repeat_headers

HEAD = "| SKU | Name |\n| --- | --- |\n"
ROWS = "\n".join(f"| A-{number} | Shirt of cotton number {number} |" for number in range(300))


def test_every_passage_of_a_long_table_begins_with_its_header() -> None:
    pieces = list(split(compose(Draft([f"# Prices\n\n{HEAD}{ROWS}\n\nEnd."]))))
    assert len(pieces) > 8
    assert all("| SKU | Name |" in piece.text for piece in pieces if "| A-" in piece.text)
    assert "".join(piece.text for piece in pieces).count("| A-") == 300


def test_a_short_table_stays_as_it_is() -> None:
    text = f"Before.\n\n{HEAD}| A-1 | Shirt |\n\nAfter."
    assert repeat_headers(text) == text


def test_a_table_without_a_header_gets_none() -> None:
    text = "|  |  |\n| --- | --- |\n" + ROWS
    assert repeat_headers(text) == text


def test_a_row_too_wide_for_its_header_becomes_small_tables_with_its_key() -> None:
    names = "| " + " | ".join(["SKU", *(f"Property {n}" for n in range(60))]) + " |"
    row = "| " + " | ".join(["A-1", *(f"value {n}" for n in range(60))]) + " |"
    text = repeat_headers("\n".join([names, "|" + " --- |" * 61, row]))
    tables = text.strip().split("\n\n")
    assert len(tables) > 2
    assert all(table.startswith("| SKU | ") and "\n| A-1 | " in table for table in tables)
    assert all(len(table) <= 1000 for table in tables)
    assert all(f"Property {n} |" in text and f"value {n} |" in text for n in range(60))


@pytest.mark.parametrize(
    "text",
    [
        "| " + "a | " * 200_000 + "\n|" + " --- |" * 200_000 + "\n" + "| b |\n" * 50_000,
        "|" * 1_000_000,
        "| a | b |\n" * 100_000,
    ],
    ids=["header", "bars", "rows"],
)
def test_hostile_tables_are_read_in_a_moment(text: str) -> None:
    began = time.process_time()
    assert len(repeat_headers(text)) < 40 * len(text)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("first", "named"),
    [
        (["SKU", "Name"], True),
        (["Monday", "9–17"], False),
        (["Total", ""], False),
        (["2023", "2024"], False),
        (["Name", "Price (€)"], True),
    ],
)
def test_a_header_is_told_from_data(first: list[str], named: bool) -> None:
    assert is_header(first, [["x", "1"]]) is named
    assert not is_header(first, [])


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([["Item", "2024", "2025"], ["Umbrella", "9.50", "10"]], True),
        ([["", "2024", "2025"], ["Umbrella", "9.50", "10"], ["Total", "", "12"]], True),
        ([["Ada", "1985"], ["Grace", "1990"]], False),
        ([["Ada", "1985"], ["Grace", ""]], False),
        ([["2024", "2025"], ["9.50", "1999"]], False),
        ([["Item", "2024", "12.5"], ["Umbrella", "9.50", "10"]], False),
    ],
)
def test_years_are_heads_where_no_year_stands_below(rows: list[list[str]], named: bool) -> None:
    assert is_header(rows[0], rows[1:]) is named


def test_a_table_of_years_keeps_its_heads(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("Item,2024,2025\nUmbrella,9.50,10\nTent,90,95\n")
    text = read(path, "csv").text
    assert text.startswith("| Item | 2024 | 2025 |\n| --- |")


def test_cells_cannot_break_out_of_their_row() -> None:
    assert markdown_table([["A", "B"], ["x|y", "two\nlines"]]) == (
        "| A | B |\n| --- | --- |\n| x/y | two lines |"
    )
