"""Blocking work for async views: a fixed pool, so that open streams hold no thread of their own.

Django gives each request its own thread for synchronous code and keeps it until the response has
been sent. For an answer that streams for half a minute that is a thread and perhaps a connection
held for nothing. Views that stream call `in_thread` instead: a short visit to a shared thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


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
