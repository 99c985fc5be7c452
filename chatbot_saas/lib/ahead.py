"""Work done a little ahead of whoever uses it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

BEAT_SECONDS = 5.0


def ahead(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    *,
    depth: int = 2,
    beat: Callable[[], object] = lambda: None,
) -> Generator[Result]:
    """The results of `work`, in order, while threads are at work on the next `depth` items.

    `items` are taken by the caller's thread. `beat` is called while a result is waited for. What
    `work` raises is raised in its place. Close the generator to leave early: what was begun is
    then waited for, and nothing more begins.
    """
    waiting = deque[Future[Result]]()
    pool = ThreadPoolExecutor(depth, thread_name_prefix="ahead")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > depth:
                yield _result(waiting.popleft(), beat)
        while waiting:
            yield _result(waiting.popleft(), beat)
    finally:
        pool.shutdown(cancel_futures=True)


def _result(future: Future[Result], beat: Callable[[], object]) -> Result:
    while not wait_for([future], BEAT_SECONDS).done:
        beat()
    return future.result()
