"""What the fake was told to do, and what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.openai_replies import KINDS, Reply

Endpoint = Literal["chat", "embeddings", "models"]

# The field that a plain value in a control order stands for: {"answer": "Yes."}, {"hang": 2}.
_FIRST_FIELD = {"answer": "text", "fail": "status", "garbage": "kind", "hang": "seconds"}
_WORDS = frozenset({*KINDS, "on", "when", "times", "always", "reset", "release"})


class BadOrder(ValueError):
    """An order of the control API that means nothing."""


@dataclass(slots=True)
class Recorded:
    """One request that the fake got, and what became of it (kept up to date while it runs)."""

    number: int
    path: str
    body: Any
    headers: Mapping[str, str]
    authorized: bool
    started_at: float = field(default_factory=time.time)
    ended_at: float | None = None
    tokens_sent: int = 0
    finished: bool = False
    disconnected: bool = False


@dataclass(frozen=True, slots=True)
class _Order:
    reply: Reply
    on: Endpoint
    when: str

    def fits(self, endpoint: Endpoint, body: str) -> bool:
        return self.on == endpoint and self.when in body


class Script:
    """The queue; filled by a test's thread, emptied by the server's."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._always: dict[Endpoint, Reply] = {}
        self._lock = threading.Lock()

    def add(self, reply: Reply, *, on: Endpoint = "chat", when: str = "", times: int = 1) -> None:
        """Queue a reply for requests to `on` whose body contains `when`."""
        with self._lock:
            self._orders += [_Order(reply, on, when)] * times

    def always(self, reply: Reply, *, on: Endpoint = "chat") -> None:
        """What to do when nothing in the queue fits."""
        with self._lock:
            self._always[on] = reply

    def take(self, endpoint: Endpoint, body: Any) -> Reply | None:
        """The first reply that fits, which leaves the queue; None for the default."""
        with self._lock:
            text = json.dumps(body, ensure_ascii=False) if self._orders else ""
            for position, order in enumerate(self._orders):
                if order.fits(endpoint, text):
                    return self._orders.pop(position).reply
            return self._always.get(endpoint)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._orders.clear()
            self._always.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._orders)

    def obey(self, order: Mapping[str, Any]) -> None:
        """Queue what an order of the control API says; raises BadOrder."""
        if unknown := order.keys() - _WORDS:
            raise BadOrder(f"unknown: {', '.join(sorted(unknown))}; known: {sorted(_WORDS)}")
        for name in KINDS.keys() & order.keys():
            reply = _reply(name, order[name])
            on: Endpoint = order.get("on", "chat")
            if order.get("always"):
                self.always(reply, on=on)
            else:
                self.add(reply, on=on, when=order.get("when", ""), times=order.get("times", 1))


def _reply(name: str, value: Any) -> Reply:
    fields = value if isinstance(value, dict) else {_FIRST_FIELD[name]: value}
    try:
        return KINDS[name](**fields)
    except TypeError as wrong:
        raise BadOrder(str(wrong)) from wrong
