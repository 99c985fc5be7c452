"""Whether a server on another machine was started anew, told by a connection that is kept open.

A server that is killed and started again within two seconds looks the same to whoever asks each
fifteen; its connections do not survive it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from django.utils import timezone

# What lies between may close a connection that was unused for so long; nobody need have died.
MOST_IDLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """The server's process has run on since then, as far as we know; None where nothing can be
    known. `was_away` when it ended since we asked last."""

    since: datetime | None
    was_away: bool = False

    def covers(self, moment: datetime | None) -> bool:
        """Whether it is the process that answered at this moment."""
        return self.since is None or (moment is not None and self.since <= moment)


class Line:
    """A connection to an address that answers with 200. For one process and any of its threads."""

    def __init__(self, url: str, *, timeout: float) -> None:
        self._parts = urlsplit(url)
        self._timeout = timeout
        self._connection: HTTPConnection | None = None
        self._since: datetime | None = None
        self._answers = 0
        self._used_at = 0.0
        self._lock = threading.Lock()

    def run(self) -> Run:
        """Raises OSError or HTTPException when there is no answer."""
        with self._lock:
            was_steady = self._is_steady()
            if self._connection is not None and self._still_answers(self._connection):
                return Run(self._since)
            self._connect()
            return Run(self._since, was_away=was_steady)

    def _is_steady(self) -> bool:
        """Whether only the server's end would cut it: it has outlasted a pause, and there was no
        long one since."""
        is_fresh = time.monotonic() - self._used_at < MOST_IDLE_SECONDS
        return self._connection is not None and self._answers > 1 and is_fresh

    def _still_answers(self, connection: HTTPConnection) -> bool:
        try:
            self._ask(connection)
        except TimeoutError:  # it is there, and hangs
            raise
        except OSError:
            return False
        return True

    def _connect(self) -> None:
        self.close()
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        self._connection = kind(self._parts.netloc, timeout=self._timeout)
        self._ask(self._connection)
        if self._connection is not None:
            self._since = timezone.now()

    def _ask(self, connection: HTTPConnection) -> None:
        try:
            connection.request("GET", self._parts.path)
            response = connection.getresponse()
            response.read()
            if response.status != HTTPStatus.OK:
                raise HTTPException(f"status {response.status}")
        except (OSError, HTTPException):
            self.close()
            raise
        self._answers += 1
        self._used_at = time.monotonic()
        if response.will_close:  # whether the server runs on or not
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._since, self._answers = None, None, 0
