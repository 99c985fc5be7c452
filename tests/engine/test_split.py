"""Passages: what holds for every text, and the headings and pages that they carry."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from pathlib import Path

import pytest

from knowledge.engine.read import PageStart, ReadText, read
from knowledge.engine.split import MOST_PATH_CHARACTERS, PASSAGE_CHARACTERS, Piece, split

WORDS = ["boots", "Größe", "naïve", "配送", "😀", "returns", "MAX_SIZE", "it's", "€5", "3.5"]
SEEDS = range(40)


def document(seed: int) -> str:
    """A random text in Markdown, of many kinds of blocks."""
    chance = random.Random(seed)

    def sentence() -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(1, 40))) + "."

    def block() -> str:
        kinds = [
            f"{'#' * chance.randint(1, 4)} {chance.choice(WORDS)}",
            " ".join(sentence() for _ in range(chance.randint(1, 30))),
            "\n".join(f"- {sentence()}" for _ in range(chance.randint(1, 9))),
            "| a | b |\n|---|---|\n" + "\n".join(f"| {sentence()} | x |" for _ in range(9)),
            f"```\n{sentence()}\n# {sentence()}\n```",
            "-----",
            "word" * chance.randint(1, 600),
        ]
        return chance.choice(kinds)

    return "\n\n".join(block() for _ in range(chance.randint(1, 30)))


def source_of(folder: Path, text: str) -> ReadText:
    path = folder / "a.md"
    path.write_text(text, encoding="utf-8")
    return read(path, "markdown")


def pieces_of(folder: Path, text: str) -> list[Piece]:
    return list(split(source_of(folder, text)))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_passage_is_the_text_between_its_ends(tmp_path: Path, seed: int) -> None:
    source = source_of(tmp_path, document(seed))
    for piece in split(source):
        assert source.text[piece.start : piece.end] == piece.text


@pytest.mark.parametrize("seed", SEEDS)
def test_passages_are_short_in_order_and_apart(tmp_path: Path, seed: int) -> None:
    pieces = pieces_of(tmp_path, document(seed))
    assert [piece.position for piece in pieces] == list(range(len(pieces)))
    assert all(0 < len(piece.text) <= PASSAGE_CHARACTERS for piece in pieces)
    for before, after in pairwise(pieces):
        assert before.end <= after.start


@pytest.mark.parametrize("seed", SEEDS)
def test_no_letter_of_the_text_is_lost(tmp_path: Path, seed: int) -> None:
    source = source_of(tmp_path, document(seed))
    kept = "".join(piece.text for piece in split(source))
    assert re.findall(r"[^\W_]", kept) == re.findall(r"[^\W_]", source.text)


def test_the_same_text_is_always_cut_alike(tmp_path: Path) -> None:
    assert pieces_of(tmp_path, document(7)) == pieces_of(tmp_path, document(7))


@pytest.mark.parametrize("size", [50, 200, 4000])
def test_another_size_is_kept_too(tmp_path: Path, size: int) -> None:
    source = source_of(tmp_path, document(3))
    assert all(len(piece.text) <= size for piece in split(source, size=size))


def test_words_are_not_cut_where_there_are_spaces(tmp_path: Path) -> None:
    pieces = pieces_of(tmp_path, "warranty " * 1000)
    assert {word for piece in pieces for word in piece.text.split()} == {"warranty"}


def test_marks_alone_are_no_passage() -> None:
    assert list(split(ReadText("-----\n\n***\n\n| | |\n|---|---|"))) == []


def test_a_passage_stands_under_the_path_of_its_headings(tmp_path: Path) -> None:
    text = "Intro.\n\n# Shop\n\n## Delivery\n\n### Abroad\n\nA\n\n## Returns\n\nB\n\n# Jobs\n\nC"
    pieces = split(source_of(tmp_path, text), size=14)
    headings = {piece.text.split()[-1]: piece.heading for piece in pieces}
    assert headings["Intro."] == "Shop"  # the document's title, which its first heading is
    assert headings["A"] == "Shop › Delivery › Abroad"
    assert headings["B"] == "Shop › Returns"
    assert headings["C"] == "Shop › Jobs"


def test_a_skipped_level_makes_no_gap_in_the_path(tmp_path: Path) -> None:
    pieces = split(source_of(tmp_path, "# A\n\n#### Deep\n\nx\n\n## B\n\ny"), size=13)
    headings = {piece.text.split()[-1]: piece.heading for piece in pieces}
    assert (headings["x"], headings["y"]) == ("A › Deep", "A › B")


def test_the_files_name_stands_in_for_a_title() -> None:
    piece = next(split(ReadText("Nine to five."), title="hours.txt"))
    assert piece.heading == "hours.txt"
    assert piece.indexed_text == "hours.txt\nNine to five."
    assert next(split(ReadText("Nine to five."))).indexed_text == "Nine to five."


def test_an_endless_heading_does_not_swamp_its_passage(tmp_path: Path) -> None:
    pieces = pieces_of(tmp_path, f"# {'long ' * 500}\n\nNine to five.")
    assert all(len(piece.heading) <= MOST_PATH_CHARACTERS for piece in pieces)


def test_a_passage_knows_each_page_that_it_touches() -> None:
    text = "One.\n\nTwo.\n\nThree."
    source = ReadText(text, pages=(PageStart(0, 1), PageStart(6, 2), PageStart(12, 4)))
    (piece,) = split(source)
    assert piece.pages == ((0, 1), (6, 2), (12, 4))
    short = list(split(source, size=6))
    assert [(piece.text, piece.pages) for piece in short] == [
        ("One.", ((0, 1),)),
        ("Two.", ((0, 2),)),
        ("Three.", ((0, 4),)),
    ]


def test_a_page_that_begins_at_a_passages_end_is_not_its_page() -> None:
    source = ReadText("aaaa bbbb", pages=(PageStart(0, 1), PageStart(4, 2)))
    assert [piece.pages for piece in split(source, size=4)] == [((0, 1),), ((0, 2),)]


def test_a_text_without_pages_has_none() -> None:
    assert next(split(ReadText("Nine to five."))).pages == ()
