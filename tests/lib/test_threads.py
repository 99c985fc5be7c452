"""Blocking work on the shared threads."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from threading import Thread

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from chatbot_saas.lib.threads import MOST_IDLE, KeptThreads, in_thread

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


async def thread_of_a_request(
    threads: KeptThreads, *, after: asyncio.Barrier | None = None
) -> Thread:
    """Of the thread that a request gets; `after` all who wait there have one."""
    async with threads.one():
        if after:
            await after.wait()
        return await sync_to_async(threading.current_thread)()


def test_a_request_gets_the_thread_of_the_one_before() -> None:
    async def scenario() -> set[Thread]:
        threads = KeptThreads()
        return {await thread_of_a_request(threads) for _ in range(3)}

    assert len(asyncio.run(scenario())) == 1


def test_of_requests_at_once_each_has_a_thread_of_its_own_and_some_are_kept() -> None:
    many = MOST_IDLE + 3

    async def scenario() -> tuple[set[Thread], set[Thread]]:
        threads, all_there = KeptThreads(), asyncio.Barrier(many)
        calls = [thread_of_a_request(threads, after=all_there) for _ in range(many)]
        first = set(await asyncio.gather(*calls))
        again = [thread_of_a_request(threads, after=all_there) for _ in range(many)]
        return first, first & set(await asyncio.gather(*again))

    first, kept = asyncio.run(scenario())
    assert (len(first), len(kept)) == (many, MOST_IDLE)


def test_a_thread_outlives_a_request_that_fails() -> None:
    async def scenario() -> set[Thread]:
        threads = KeptThreads()
        first = await thread_of_a_request(threads)
        with pytest.raises(ValueError, match="broken"):
            async with threads.one():
                raise ValueError("broken")
        return {first, await thread_of_a_request(threads)}

    assert len(asyncio.run(scenario())) == 1
