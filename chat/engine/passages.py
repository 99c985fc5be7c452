"""A retrieved passage, as the engine sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """`text` stands in the source's text from `start` on; `score` is retrieval's, 0 to about 2.

    `bonus` is what the client adds to it among passages that answer, not to make it one of them.
    """

    source_id: str
    title: str
    url: str
    heading: str
    text: str
    start: int
    score: float
    pages: Sequence[tuple[int, int]] = ()  # where in `text` which page begins
    bonus: float = 0.0
    is_answer: bool = False  # that somebody wrote to a question: it is quoted whole

    def page_at(self, place: int) -> int | None:
        """The page on which character `place` of the text stands."""
        return next((number for start, number in reversed(self.pages) if start <= place), None)


def within_budget(passages: Sequence[Passage], characters: int) -> list[Passage]:
    """The best passages whose texts fit into `characters`; always at least the first.

    A budget of characters instead of a fixed number: short passages then bring more of the
    evidence than long ones would (docs/decisions/passages.md).
    """
    kept: list[Passage] = []
    left = characters
    for passage in passages:
        if kept and len(passage.text) > left:
            continue
        kept.append(passage)
        left -= len(passage.text)
    return kept
