"""Wake a worker once the rows that it works on are there for it to see."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction


def after_commit(call: Callable[..., object], *args: object) -> None:
    """Call `call(*args)` after the transaction; a broker that is down fails nobody's request.

    What was to be done stands in a row, which a sweep finds. Django logs the failure by the name
    of the function, which a functools.partial does not have: there `robust` would raise again.
    """

    def wake() -> None:
        call(*args)

    transaction.on_commit(wake, robust=True)
