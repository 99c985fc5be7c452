"""The parts of BM25, and the fusion of both searches."""

from __future__ import annotations

import random

import pytest

from knowledge.engine.rank import ceiling, fuse, idf, preferring


@pytest.mark.parametrize("passages", [0, 1, 2, 10, 100_000])
def test_every_word_weighs_something_and_rare_ones_more(passages: int) -> None:
    weights = [idf(passages, holding) for holding in range(min(passages, 50) + 1)]
    assert weights[-1] > 0
    assert weights == sorted(weights, reverse=True)


def test_a_word_is_rarer_in_a_larger_base() -> None:
    assert idf(10, 3) < idf(1000, 3)


def test_the_ceiling_grows_with_each_word_and_none_means_nothing() -> None:
    assert ceiling([]) == 0
    assert ceiling([1.0]) < ceiling([1.0, 0.5])


def test_both_halves_add_up_and_the_best_comes_first() -> None:
    found = fuse({1: 0.5, 2: 0.9, 3: 0.1}, {1: 0.6, 4: 0.3})
    assert [one.passage_id for one in found] == [1, 2, 4, 3]
    assert found[0].score == pytest.approx(1.1)
    assert (found[0].cosine, found[0].lexical) == (0.5, 0.6)


def test_a_passage_of_one_search_alone_has_nothing_from_the_other() -> None:
    by_id = {one.passage_id: one for one in fuse({1: 0.4}, {2: 0.4})}
    assert (by_id[1].lexical, by_id[2].cosine) == (0.0, 0.0)


def test_the_weight_is_that_of_the_lexical_half() -> None:
    assert [one.passage_id for one in fuse({1: 0.5}, {2: 0.4}, weight=2.0)] == [2, 1]
    assert [one.passage_id for one in fuse({1: 0.5}, {2: 0.4}, weight=0.0)] == [1, 2]


def test_a_bad_result_stays_bad_beside_nothing_better() -> None:
    assert fuse({1: 0.05}, {1: 0.02})[0].score < 0.1


def test_ties_are_broken_by_id_whatever_order_the_hits_came_in() -> None:
    ids = list(range(20))
    for seed in range(20):
        random.Random(seed).shuffle(ids)
        found = fuse(dict.fromkeys(ids, 0.5), {})
        assert [one.passage_id for one in found] == sorted(ids)


def test_nothing_found_is_nothing() -> None:
    assert fuse({}, {}) == []


def test_a_bonus_moves_a_passage_and_leaves_its_score() -> None:
    ranked = fuse({1: 0.5, 2: 0.45, 3: 0.1}, {})
    assert [one.passage_id for one in preferring(ranked, {2: 0.1})] == [2, 1, 3]
    assert [one.passage_id for one in preferring(ranked, {1: -0.1})] == [2, 1, 3]
    assert preferring(ranked, {3: 0.1}) == ranked
    assert [one.score for one in preferring(ranked, {2: 0.1})] == [0.45, 0.5, 0.1]
