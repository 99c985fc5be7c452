"""What the fake was told to do wrong, and to whom."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Literal

from tests.fakes.stripe_store import Store

Kind = Literal["fail", "delay", "hang", "drop", "forbid"]


@dataclass(slots=True)
class Fault:
    """`path` is the beginning of a request's path; `times` counts down, None is for ever.

    With `after` the request is done, and only its answer is lost.
    """

    kind: Kind
    path: str = "/"
    method: str = ""
    times: int | None = 1
    status: int = 500
    seconds: float = 0.0
    after: bool = False
    retry: bool | None = None
    key: str = ""

    def fits(self, method: str, path: str, key: str) -> bool:
        return (
            self.times != 0
            and path.startswith(self.path)
            and self.method in {"", method}
            and self.key in {"", key}
        )


@dataclass(slots=True)
class Lag:
    """Reads answer from a copy of how things were, for so many reads or seconds."""

    store: Store
    path: str
    reads: int | None
    until: float | None

    def is_over(self) -> bool:
        late = self.until is not None and time.monotonic() > self.until
        return late or self.reads == 0


class Faults:
    """Filled by a test's thread, asked by the server's."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lags: list[Lag] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def take(self, method: str, path: str, key: str) -> list[Fault]:
        """All that befalls this request: a delay may come before a failure."""
        taken: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                again = fault.kind in {one.kind for one in taken}
                if again or not fault.fits(method, path, key):
                    continue
                if fault.times is not None:
                    fault.times -= 1
                taken.append(fault)
            self._faults = [one for one in self._faults if one.times != 0]
        return taken

    def lag(self, lag: Lag) -> None:
        with self._lock:
            self._lags.append(lag)

    def view(self, store: Store, path: str) -> Store:
        """What a read of this path sees: the store, or how it was."""
        with self._lock:
            self._lags = [one for one in self._lags if not one.is_over()]
            for lag in self._lags:
                if path.startswith(lag.path):
                    if lag.reads is not None:
                        lag.reads -= 1
                    return lag.store
        return store

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self._lags.clear()
