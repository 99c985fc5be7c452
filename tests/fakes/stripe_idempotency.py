"""Idempotency keys: the same request with the same key is done once."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.stripe_errors import Refused, key_in_use, key_reused
from tests.fakes.stripe_store import DAY, Json


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Json


@dataclass(frozen=True, slots=True)
class Kept:
    request: tuple[str, str, str]
    answer: Answer
    at: int


class Keys:
    """What was answered under each key, for a day of the movable clock."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._running: set[str] = set()

    def begin(self, key: str, request: tuple[str, str, str], now: int) -> Answer | None:
        """The answer of before, or None: then the request runs until `end`. Raises Refused."""
        kept = self._kept.get(key)
        if kept is not None and kept.at > now - DAY:
            if kept.request != request:
                raise key_reused(key)
            return kept.answer
        if key in self._running:
            raise key_in_use()
        self._running.add(key)
        return None

    def keep(self, key: str, request: tuple[str, str, str], answer: Answer, now: int) -> None:
        self._kept[key] = Kept(request, answer, now)

    def end(self, key: str) -> None:
        self._running.discard(key)

    def clear(self) -> None:
        self._kept.clear()
        self._running.clear()


def of_refusal(error: Refused) -> Answer:
    return Answer(error.status, error.body)
