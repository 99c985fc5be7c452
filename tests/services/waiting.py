"""Waiting for something to become true, without fixed sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    probe: Callable[[], bool], timeout: float, what: str = "the condition", every: float = 0.01
) -> None:
    """Return once `probe()` is true; raise TimeoutError naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not probe():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {timeout:g} s")
        time.sleep(every)
