"""Passages that fit, and the pages on which their words stand."""

from __future__ import annotations

from chat.engine.passages import Passage, within_budget


def passage(length: int, pages: tuple[tuple[int, int], ...] = ()) -> Passage:
    return Passage("src_1", "Title", "", "", "x" * length, 0, 1.0, pages)


def lengths(found: list[Passage]) -> list[int]:
    return [len(one.text) for one in found]


def test_passages_are_taken_best_first_while_they_fit() -> None:
    assert lengths(within_budget([passage(40), passage(30), passage(40)], 100)) == [40, 30]


def test_a_budget_can_be_filled_to_the_last_character() -> None:
    assert lengths(within_budget([passage(60), passage(40), passage(1)], 100)) == [60, 40]


def test_a_long_passage_makes_way_for_a_shorter_one_behind_it() -> None:
    assert lengths(within_budget([passage(50), passage(80), passage(50)], 100)) == [50, 50]


def test_the_best_passage_is_kept_whatever_its_length() -> None:
    assert lengths(within_budget([passage(500), passage(10)], 100)) == [500]


def test_none_stay_none() -> None:
    assert within_budget([], 100) == []


def test_a_place_is_on_the_page_that_began_last_before_it() -> None:
    source = passage(100, ((0, 4), (50, 5), (80, 7)))
    assert [source.page_at(place) for place in (0, 49, 50, 79, 80, 99)] == [4, 4, 5, 5, 7, 7]


def test_a_text_without_pages_is_on_none() -> None:
    assert passage(100).page_at(50) is None
