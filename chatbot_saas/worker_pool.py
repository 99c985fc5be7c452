"""Celery's pool of processes; one that has been idle for a while gives way to a fresh one.

Whoever has read documents holds the embedding model, and what reading left behind: 200 MB. A fresh
process shares almost all of its memory with its parent. It ends only while it waits for work and
none has come, so nothing is lost by it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from billiard import pool
from celery.concurrency import asynpool, prefork
from django.conf import settings
from django.db import connections


class _Leaving:
    """Goes when nothing has come for long after its last job."""

    # Private to billiard: were its name to change, processes would stay with all that they hold.
    def _make_recv_method(self, conn: Any) -> Callable[[float], tuple[bool, Any]]:
        receive = super()._make_recv_method(conn)  # type: ignore[misc]
        has_worked = False

        def next_job(timeout: float) -> tuple[bool, Any]:
            nonlocal has_worked
            if has_worked and not conn._reader.poll(settings.WORKER_IDLE_SECONDS):
                raise SystemExit(pool.EX_OK)
            is_there, job = receive(timeout)
            has_worked = has_worked or is_there
            return is_there, job

        return next_job


class _Worker(_Leaving, pool.Worker):
    pass


class _AsyncWorker(_Leaving, asynpool.Worker):
    pass


class _Pool(pool.Pool):
    Worker = _Worker


class _AsyncPool(asynpool.AsynPool):
    Worker = _AsyncWorker


def _close_databases() -> None:
    """Django's checks have asked the database. A pool of connections that a child inherits has none
    of its threads: it never grows, and whoever wants a second connection waits in vain."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()


class WorkerPool(prefork.TaskPool):
    """For brokers that are asked and for those that call, as Celery's own."""

    BlockingPool = _Pool
    Pool = _AsyncPool

    def on_start(self) -> None:
        _close_databases()
        # What the garbage collector does not touch stays shared with the children.
        gc.collect()
        gc.freeze()
        super().on_start()
