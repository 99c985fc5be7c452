"""A long text in sections gives what it would give at once."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from knowledge.engine import long_text
from knowledge.engine.errors import Unreadable
from knowledge.engine.read import read
from knowledge.engine.split import Piece, split, split_sections

SECTION = 5000


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is long here begins at a kilobyte, so that tests need no large files."""
    monkeypatch.setattr(long_text, "LONG_BYTES", 1024)
    monkeypatch.setattr(long_text, "SECTION_CHARACTERS", SECTION)
    monkeypatch.setattr(long_text, "RECORDS", 20)


def pieces_of(path: Path, file_format: str) -> list[Piece]:
    assert long_text.is_long(path, file_format)
    return list(split_sections(long_text.sections(path, file_format), title="Guide"))


def paragraphs(count: int) -> str:
    return "\n\n".join(
        f"Rule {number} says that shoes go back within {number} days. " * 5
        for number in range(count)
    )


def test_no_word_is_lost_between_sections(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(paragraphs(200))
    pieces = pieces_of(path, "text")
    assert " ".join(piece.text for piece in pieces).split() == paragraphs(200).split()
    assert [piece.position for piece in pieces] == list(range(len(pieces)))


def test_places_count_the_characters_of_the_whole_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(paragraphs(200))
    whole = "\n\n".join(one.text for one in long_text.sections(path, "text"))
    for piece in pieces_of(path, "text"):
        assert whole[piece.start : piece.end] == piece.text


def test_headings_stay_open_over_sections(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"# Returns\n\n## Shoes\n\n{paragraphs(100)}\n\n## Coats\n\n{paragraphs(3)}")
    pieces = pieces_of(path, "markdown")
    at = next(n for n, piece in enumerate(pieces) if "## Coats" in piece.text)
    assert at > 20
    assert {piece.heading for piece in pieces[1:at]} == {"Guide › Returns › Shoes"}
    assert {piece.heading for piece in pieces[at:]} == {"Guide › Returns › Coats"}


def test_a_passage_has_the_headings_that_it_has_when_all_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("\n\n".join(f"# Part {n}\n\n{paragraphs(4)}" for n in range(60)))
    at_once = split(read(path, "markdown"))
    headings = {piece.heading.split(" › ")[-1] for piece in at_once}
    assert {piece.heading.split(" › ")[-1] for piece in pieces_of(path, "markdown")} == headings
    assert len(headings) == 60


@pytest.mark.parametrize("above", ["", "Of 2026\n\n"])
def test_each_passage_of_a_table_names_its_columns(tmp_path: Path, above: str) -> None:
    out = io.StringIO(above)
    out.seek(0, io.SEEK_END)
    writer = csv.writer(out, delimiter=";")
    writer.writerow(["Item", "Colour", "Days"])
    writer.writerows([f"shoe {n}", "green,\nor blue", str(n)] for n in range(2000))
    path = tmp_path / "a.csv"
    path.write_text(out.getvalue())
    texts = [piece.text for piece in pieces_of(path, "csv")]
    assert texts[0].startswith(above)
    texts[0] = texts[0].removeprefix(above)
    assert all(text.startswith("| Item | Colour | Days |") for text in texts)
    rows = [line for text in texts for line in text.split("\n") if line.startswith("| shoe")]
    assert rows == [f"| shoe {n} | green, or blue | {n} |" for n in range(2000)]


def test_json_lines_become_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        "".join(json.dumps({"item": f"shoe {n}", "days": n}) + "\n" for n in range(200))
    )
    text = "\n".join(piece.text for piece in pieces_of(path, "json"))
    assert "| shoe 199 | 199 |" in text
    assert text.count("| item | days |") >= 10


def test_one_json_document_is_not_read_in_sections(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"item": f"shoe {n}"} for n in range(200)], indent=1))
    assert not long_text.is_long(path, "json")


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"item": "a shoe"}\n' * 100 + '{"item": \n')
    with pytest.raises(Unreadable, match="line 101"):
        pieces_of(path, "json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_the_encoding_is_found_without_holding_the_text(tmp_path: Path, encoding: str) -> None:
    text = "\n\n".join(
        f"Über Größe {n} sprechen wir später noch ausführlich. " * 4 for n in range(200)
    )
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert " ".join(piece.text for piece in pieces_of(path, "text")).split() == text.split()


LATE = "Größere Beträge prüfen wir täglich."


@pytest.mark.parametrize("encodings", [["utf-8"], ["cp1252"], ["utf-8", "cp1252"]])
@pytest.mark.parametrize(
    ("file_format", "early", "late"),
    [
        ("text", "Shoes go back within sixty days.\n\n", f"{LATE}\n\n"),
        ("markdown", "Shoes go back within sixty days.\n\n", f"{LATE}\r\n\r\n"),
        ("csv", "shoes,sixty days\n", f"coats,{LATE}\n"),
        ("tsv", "shoes\tsixty days\r\n", f"coats\t{LATE}\r\n"),
        ("json", '{"item": "shoes"}\n', f'{{"item": "{LATE}"}}\n'),
    ],
)
def test_letters_that_come_late_are_read_in_their_encoding(
    tmp_path: Path, file_format: str, early: str, late: str, encodings: list[str]
) -> None:
    """The beginning tells nothing of them, and is longer than what one looks at."""
    path = tmp_path / "a"
    ends = b"".join(late.encode(encoding) * 50 for encoding in encodings * 2)
    path.write_bytes(early.encode() * 20_000 + ends)
    text = " ".join(piece.text for piece in pieces_of(path, file_format))
    assert text.count(LATE) == 100 * len(encodings)


def test_a_line_without_end_keeps_its_letters_in_a_joined_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Größe ".encode() * 400_000 + b"\n" + f"{LATE}\n".encode("cp1252") * 50)
    words = " ".join(piece.text for piece in pieces_of(path, "text")).split()
    assert words.count("Größe") == len(words) - 250 == 400_000


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 30_000)
    assert "".join(piece.text for piece in pieces_of(path, "text")) == "x" * 30_000


def test_a_long_file_of_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(" \n" * 30_000)
    with pytest.raises(Unreadable, match="no text"):
        pieces_of(path, "text")
