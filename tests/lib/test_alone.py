"""One at a time, over threads and processes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from chatbot_saas.lib.alone import Busy, alone

pytestmark = pytest.mark.django_db(transaction=True)


def test_nobody_enters_while_another_is_inside() -> None:
    inside, most = [0], [0]

    def enter(_: int) -> None:
        try:
            with alone("here", seconds=30):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                threading.Event().wait(0.01)
                inside[0] -= 1
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, range(12)))
    assert (inside[0], most[0]) == (0, 1)


def test_who_waits_in_vain_is_told() -> None:
    entered, leave = threading.Event(), threading.Event()

    def stay() -> None:
        try:
            with alone("here", seconds=1):
                entered.set()
                leave.wait(30)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        staying = pool.submit(stay)
        entered.wait(30)
        with pytest.raises(Busy), alone("here", seconds=0.05):
            pass
        with alone("there", seconds=0.05):
            pass
        leave.set()
        staying.result()
    with alone("here", seconds=0.05):
        pass


def test_who_fails_inside_is_out() -> None:
    with pytest.raises(ValueError, match="inside"), alone("here", seconds=1):
        raise ValueError("inside")
    with alone("here", seconds=0.05):
        pass
