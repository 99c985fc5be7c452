"""Passages as the sentences, items and rows that one can quote."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from chat.engine.sentences import Kind, clean, units

SHORT = [
    "# Delivery\n",
    "We ship daily.",
    " It takes approx. 3.5 days!",
    " (Really?) Yes.",
    "\n\n",
    "\n- first item\n- second *item*\n",
    "\n1. one\n2) two\n",
    "\n| Country | Days |\n|---|---|\n| France | 2 |\n| Spain | 3 |\n",
    "| Italy | 4 |\n",
    "  indented\n",
    "配送は三日です。返品は無料です。",
    " e.g. Boots",
    "\n```\ncode. Here\n```\n",
]


def texts(passage: str, kind: Kind | None = None) -> list[str]:
    return [unit.text for unit in units(passage) if kind in (None, unit.kind)]


@pytest.mark.parametrize(
    ("passage", "sentences"),
    [
        ("We ship daily. It is free.", ["We ship daily.", "It is free."]),
        ("Really? Yes! Of course… Always.", ["Really?", "Yes!", "Of course…", "Always."]),
        ("It takes 3.5 days. Then 10.5.", ["It takes 3.5 days.", "Then 10.5."]),
        ("Visit shop.example today. Hurry.", ["Visit shop.example today.", "Hurry."]),
        ("The sign says “Open.” Come in.", ["The sign says “Open.”", "Come in."]),
        ("It is easy. (Very easy.) Try it.", ["It is easy.", "(Very easy.)", "Try it."]),
        ("Wrapped at\nthe margin. Next\none.", ["Wrapped at the margin.", "Next one."]),
        ("Größe zählt. Öffnen Sie es.", ["Größe zählt.", "Öffnen Sie es."]),
        ("配送は三日です。返品は無料です。", ["配送は三日です。", "返品は無料です。"]),
        ("Version 2. 3 users are free.", ["Version 2.", "3 users are free."]),
        ("it ends. but goes on small", ["it ends. but goes on small"]),
    ],
)
def test_sentences_end_where_readers_say(passage: str, sentences: list[str]) -> None:
    assert texts(passage) == sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "Send it to Dr. Smith at once.",
        "Use a carrier, e.g. DHL, for this.",
        "It costs approx. 5 euros.",
        "See nr. 7 of the list.",
        "Bring boots, socks etc. Monday is best.",
        "Das gilt z.B. Für Stiefel.",
        "Call tel. 555 for help.",
    ],
)
def test_an_abbreviation_ends_no_sentence(sentence: str) -> None:
    assert texts(sentence) == [sentence]


def test_a_blank_line_ends_a_sentence_without_a_stop() -> None:
    assert texts("Opening hours\n\nNine to five") == ["Opening hours", "Nine to five"]


def test_items_are_units_without_their_marks() -> None:
    passage = "Bring:\n- boots\n* socks\n  - wool ones\n1. a map\n2) water\n• food"
    assert texts(passage, Kind.ITEM) == ["boots", "socks", "wool ones", "a map", "water", "food"]
    assert texts(passage, Kind.SENTENCE) == ["Bring:"]


def test_items_of_one_list_are_one_block_also_with_blank_lines_between() -> None:
    found = units("- boots\n\n- socks\n\nA paragraph.\n\n- food")
    blocks = [unit.block for unit in found]
    assert blocks[0] == blocks[1]
    assert len(set(blocks)) == 3


def test_paragraphs_are_blocks_of_their_own() -> None:
    first, same, second = units("One. Two.\n\nThree.")
    assert first.block == same.block != second.block


def test_a_row_is_labelled_with_its_header() -> None:
    passage = "| Country | Delivery | Cost |\n|---|:-:|--:|\n| France | 2 days | £9 |"
    assert texts(passage) == ["France — Delivery: 2 days; Cost: £9"]


@pytest.mark.parametrize(
    ("row", "reads"),
    [
        ("| France |  | £9 |", "France — Cost: £9"),
        ("| France |", "France"),
        ("| France | 2 days | £9 | by train |", "France — Delivery: 2 days; Cost: £9; by train"),
        ("|  | 2 days | £9 |", "Delivery: 2 days; Cost: £9"),
    ],
)
def test_a_row_of_another_length_loses_nothing(row: str, reads: str) -> None:
    passage = f"| Country | Delivery | Cost |\n|---|---|---|\n{row}"
    assert texts(passage) == [reads]


def test_the_rest_of_a_table_cut_in_two_gets_no_wrong_labels() -> None:
    assert texts("| France | 2 days | £9 |\n| Spain | 3 days | £7 |") == [
        "France — 2 days; £9",
        "Spain — 3 days; £7",
    ]


def test_a_table_without_a_header_has_only_rows() -> None:
    assert texts("|  |  |\n| --- | --- |\n| Monday | 9–5 |\n| Sunday | closed |") == [
        "Monday — 9–5",
        "Sunday — closed",
    ]


def test_a_row_of_dashes_makes_no_header_of_the_row_above_it() -> None:
    table = "| Day | Open |\n|---|---|\n| Monday | 9–5 |\n| - | - |\n| Sunday | closed |"
    assert texts(table) == ["Monday — Open: 9–5", "Sunday — Open: closed"]


def test_each_table_has_its_own_header() -> None:
    tables = [f"| {name} | Days |\n|---|---|\n| x | 1 |" for name in ("Country", "Carrier")]
    first, second = units("\n\n".join(tables))
    assert (first.text, second.text) == ("x — Days: 1", "x — Days: 1")
    assert first.block != second.block


def test_a_heading_is_a_unit_of_its_own() -> None:
    found = units("Before.\n## **Returns**\nAfter.")
    assert [(unit.kind, unit.text) for unit in found] == [
        (Kind.SENTENCE, "Before."),
        (Kind.HEADING, "Returns"),
        (Kind.SENTENCE, "After."),
    ]


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("See [our terms](https://shop.example/a 'Terms') now", "See our terms now"),
        ("**bold** and __strong__ and *soft* and _soft_", "bold and strong and soft and soft"),
        ("run `make test` now", "run make test now"),
        ("MAX_UPLOAD_SIZE stays", "MAX_UPLOAD_SIZE stays"),
        ("2 * 3 = 6", "2 * 3 = 6"),
        ("too   many\n spaces", "too many spaces"),
        ("an [aside] stays", "an [aside] stays"),
    ],
)
def test_marks_of_markdown_are_cleaned_away(text: str, reads: str) -> None:
    assert clean(text) == reads


def test_units_lie_where_they_say_in_order_and_apart() -> None:
    for seed in range(500):
        chance = random.Random(seed)
        passage = "".join(chance.choices(SHORT, k=chance.randint(1, 12)))
        found = units(passage)
        for unit in found:
            part = passage[unit.start : unit.end]
            assert part == part.rstrip()
            if unit.kind in {Kind.SENTENCE, Kind.ITEM}:
                assert clean(part) == unit.text
            assert "\n" not in part or unit.kind is Kind.SENTENCE
        for before, after in pairwise(found):
            assert before.end <= after.start
            assert before.block <= after.block


def test_every_word_of_running_text_is_in_a_unit() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        kinds = [part for part in SHORT if "|" not in part and "-" not in part]
        passage = "".join(chance.choices(kinds, k=10))
        covered = "".join(passage[unit.start : unit.end] for unit in units(passage))
        letters = [letter for letter in passage if letter.isalpha()]
        assert [letter for letter in covered if letter.isalpha()] == letters


@pytest.mark.parametrize("passage", ["", "\n\n", "   ", "|---|---|", "- "])
def test_nothing_to_say_is_no_unit_with_words(passage: str) -> None:
    assert not any(any(letter.isalnum() for letter in text) for text in texts(passage))


@pytest.mark.parametrize(
    ("passage", "expected"),
    [
        ("本店九点开门。六点关门！星期日呢？", ["本店九点开门。", "六点关门！", "星期日呢？"]),
        ("「休みです。」と店主は言う。また来る。", ["「休みです。」と店主は言う。", "また来る。"]),
        ("本当に？！はい。", ["本当に？！", "はい。"]),
    ],
)
def test_chinese_and_japanese_sentences_end_without_a_space(
    passage: str, expected: list[str]
) -> None:
    assert texts(passage) == expected
