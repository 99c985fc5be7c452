"""Work that is done a little ahead of its use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from chatbot_saas.lib import ahead as module
from chatbot_saas.lib.ahead import ahead


def test_results_come_in_order_whatever_is_done_first() -> None:
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            later.wait(10)
        if item == 1:
            later.set()
        return item * 10

    assert list(ahead(range(5), work)) == [0, 10, 20, 30, 40]


def test_no_more_is_begun_than_was_asked_for() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    with closing(ahead(items(), str, depth=2)) as results:
        assert next(results) == "0"
        assert taken == [0, 1, 2]
        assert next(results) == "1"
        assert taken == [0, 1, 2, 3]


def test_what_the_work_raises_is_raised_in_its_place() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    results = ahead(range(5), work)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_whoever_leaves_early_leaves_no_thread_behind() -> None:
    with closing(ahead(range(50), str)) as results:
        next(results)
    assert not [one for one in threading.enumerate() if one.name.startswith("ahead")]


def test_somebody_hears_of_it_while_a_result_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    heard = threading.Event()
    assert list(ahead([1], lambda item: heard.wait(10), beat=heard.set)) == [True]
    assert heard.is_set()
