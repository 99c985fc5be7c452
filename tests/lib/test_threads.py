"""Blocking work on the shared threads."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest
from django.conf import settings

from chatbot_saas.lib.threads import in_thread

language: ContextVar[str] = ContextVar("language", default="en")


def test_work_is_done_elsewhere_and_its_result_comes_back() -> None:
    def work(one: int, *, other: int) -> tuple[str, int]:
        return threading.current_thread().name, one + other

    async def scenario() -> tuple[str, int]:
        return await in_thread(work, 1, other=2)

    name, total = asyncio.run(scenario())
    assert name != threading.current_thread().name
    assert total == 3


def test_trouble_of_the_work_is_the_callers() -> None:
    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(in_thread(fail))


def test_the_work_sees_the_callers_context_and_leaves_none_behind() -> None:
    def change() -> str:
        seen = language.get()
        language.set("changed")
        return seen

    async def scenario() -> list[str]:
        language.set("de")
        return [await in_thread(change), language.get()]

    assert asyncio.run(scenario()) == ["de", "de"]


def test_many_callers_share_few_threads() -> None:
    async def scenario() -> set[str]:
        names = [in_thread(lambda: threading.current_thread().name) for _ in range(200)]
        return set(await asyncio.gather(*names))

    assert len(asyncio.run(scenario())) <= settings.STREAM_THREADS


def test_the_loop_goes_on_while_a_thread_works() -> None:
    async def scenario() -> bool:
        done = threading.Event()
        working = asyncio.create_task(in_thread(done.wait, 5))
        await asyncio.sleep(0.01)
        done.set()
        return await working

    assert asyncio.run(scenario())
