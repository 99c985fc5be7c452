"""What a test can tell the fake to do wrong."""

from __future__ import annotations

import time

from tests.fakes.stripe_app import StripeApp
from tests.fakes.stripe_faults import Fault, Lag


class Failing:
    """The part of the fake's handle that makes it misbehave.

    A path is the beginning of the paths that are meant. Stripe's library tries a failed request
    again when it is told to (`max_network_retries`), so one failure may need `times=2`.
    """

    _app: StripeApp

    def fail(
        self,
        status: int = 500,
        *,
        times: int | None = 1,
        path: str = "/",
        method: str = "",
        after: bool = False,
        retry: bool | None = None,
    ) -> None:
        """Answer with this status; `after` does the request all the same.

        `retry=False` tells Stripe's library not to try again, `times=None` is for ever.
        """
        self._add(Fault("fail", path, method, times, status=status, after=after, retry=retry))

    def drop(
        self, *, times: int | None = 1, path: str = "/", method: str = "", after: bool = False
    ) -> None:
        """Cut the connection instead of an answer; `after` does the request all the same."""
        self._add(Fault("drop", path, method, times, after=after))

    def delay(
        self, seconds: float, *, times: int | None = None, path: str = "/", method: str = ""
    ) -> None:
        """Let requests wait before they are done."""
        self._add(Fault("delay", path, method, times, seconds=seconds))

    def hang(
        self,
        seconds: float = 0.0,
        *,
        times: int | None = None,
        path: str = "/",
        method: str = "",
    ) -> None:
        """Accept requests and say nothing; cut them after `seconds` (0: at `release()`)."""
        self._add(Fault("hang", path, method, times, seconds=seconds))

    def forbid(self, path: str, *, key: str = "", method: str = "") -> None:
        """Refuse with 403, as to a restricted key; of this one key only, if given."""
        self._add(Fault("forbid", path, method, None, key=key))

    def lag(
        self, *, reads: int | None = None, seconds: float | None = None, path: str = "/v1/"
    ) -> None:
        """Let reads show things as they are now, for so many reads or real seconds."""
        with self._app.store.lock:
            copy = self._app.store.frozen()
        until = None if seconds is None else time.monotonic() + seconds
        self._app.faults.lag(Lag(copy, path, reads, until))

    def behave(self) -> None:
        """Forget every failure, delay and lag."""
        self._app.faults.clear()

    def _add(self, fault: Fault) -> None:
        self._app.faults.add(fault)
