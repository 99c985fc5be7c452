"""Threads for blocking work, which are kept: a new one would connect to the database anew.

Pages have one each while they are made (`KeptThreads`), and open streams none of their own.
Django gives each request its own thread for synchronous code and keeps it until the response has
been sent. For an answer that streams for half a minute that is a thread and perhaps a connection
held for nothing. Views that stream call `in_thread` instead: a short visit to a shared thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import cache, partial
from typing import ParamSpec, TypeVar

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.db import close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")
MOST_IDLE = 8


class KeptThreads:
    """As many threads as there are requests at the moment; some wait for the next ones.

    For use on the event loop alone.
    """

    def __init__(self) -> None:
        self._idle: list[ThreadPoolExecutor] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """What is awaited here by `sync_to_async` runs on one thread, which nobody else has."""
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "page")
        try:
            async with ThreadSensitiveContext(executor=thread):
                yield
        finally:
            self._keep(thread)

    def _keep(self, thread: ThreadPoolExecutor) -> None:
        if len(self._idle) < MOST_IDLE:
            self._idle.append(thread)
        else:
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.STREAM_THREADS, thread_name_prefix="stream")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking `work` on the pool; its database connection is given back before it returns."""
    call = partial(copy_context().run, _with_connections_closed, partial(work, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_pool(), call)


def _with_connections_closed(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()
