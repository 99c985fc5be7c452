"""Quotations of passages that a client prefers: first among those that answer, and no others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chat.engine.extract import Extract, extract
from chat.engine.passages import Passage
from chat.engine.question import Topic

TOPIC = Topic({"parking": 1.0})


def quoted(near: float, *bonuses: float) -> Extract | None:
    """What is quoted of passages that are all as `near` to the question."""
    passages = [
        Passage(f"src_{number}", f"Note {number}", "", "", f"Text {number}.", 0, 0.5, bonus=bonus)
        for number, bonus in enumerate(bonuses)
    ]

    def closeness(texts: Sequence[str]) -> list[float]:
        return [near] * len(texts)

    return extract(passages, TOPIC, lambda text: text.lower().split(), closeness)


@pytest.mark.parametrize(
    ("bonuses", "first"),
    [((0.0, 0.0), "src_0"), ((0.0, 0.1), "src_1"), ((-0.1, 0.0), "src_1"), ((0.1, 0.0), "src_0")],
)
def test_of_equal_answers_the_preferred_one_is_quoted_first(
    bonuses: tuple[float, float], first: str
) -> None:
    found = quoted(0.9, *bonuses)
    assert found is not None
    assert found.cited[0].source_id == first


def test_what_is_far_behind_the_preferred_one_is_left_out() -> None:
    found = quoted(0.9, 0.0, 0.1)
    assert found is not None
    assert [one.source_id for one in found.cited] == ["src_1"]


def test_a_bonus_makes_no_answer_of_what_is_none() -> None:
    assert quoted(0.7, 0.0) is None
    assert quoted(0.7, 0.5) is None


def test_a_low_priority_hides_no_answer() -> None:
    assert quoted(0.9, -0.5) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("本店九点开门。六点关门。", "本店九点开门。六点关门。 [1]"),
        ("We open at nine. We close at six.", "We open at nine. We close at six. [1]"),
    ],
)
def test_sentences_are_joined_as_their_script_does(text: str, expected: str) -> None:
    passage = Passage("src_1", "Hours", "", "", text, 0, 0.5)
    found = extract([passage], TOPIC, str.split, lambda texts: [0.9] * len(texts))
    assert found is not None
    assert found.text == expected
