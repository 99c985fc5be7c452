"""One at a time, over all processes and machines of an installation."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from django.conf import settings
from django.db import connection, transaction

PAUSE_SECONDS = 0.02


class Busy(Exception):
    """Somebody else did not end in time."""


def alone(name: str, *, seconds: float) -> AbstractContextManager[None]:
    """Enter when nobody else is inside by this name; raises Busy after `seconds`.

    Whoever is killed is out. On PostgreSQL a transaction is open inside.
    """
    return (
        _by_database(name, seconds)
        if connection.vendor == "postgresql"
        else _by_file(name, seconds)
    )


@contextmanager
def _by_database(name: str, seconds: float) -> Iterator[None]:
    key = int.from_bytes(_digest(name)[:8], signed=True)

    def taken() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [key])
            return bool(cursor.fetchone()[0])

    with transaction.atomic():
        _wait_for(taken, name, seconds)
        yield


@contextmanager
def _by_file(name: str, seconds: float) -> Iterator[None]:
    """SQLite is of one machine: so is a file."""
    folder = settings.VAR_DIR / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _digest(name).hex()[:2]).open("w") as file:

        def taken() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait_for(taken, name, seconds)
        yield


def _wait_for(taken: Callable[[], bool], name: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not taken():
        if time.monotonic() > until:
            raise Busy(name)
        time.sleep(PAUSE_SECONDS)


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()
