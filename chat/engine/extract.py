"""An answer without a model: the words of the sources themselves, or a refusal.

The unit of a passage (sentence, list item, table row) that covers most of what the question asks
about is quoted with its neighbours. It answers only if the passage as a whole is near the question
(the fused score) and the words that make the question special stand there too: a right topic with
a missing fact is refused. Thresholds: docs/decisions/refusing.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from chat.engine.cite import quotation
from chat.engine.events import Cited
from chat.engine.passages import Passage
from chat.engine.question import Topic, Words
from chat.engine.sentences import Kind, Unit, units

LEAST_SCORE = 0.55
SURE_SCORE = 1.05
LEAST_COVERAGE = 0.5
CONTEXT_WEIGHT = 0.6
READ_PASSAGES = 5
SECTION_CHARACTERS = 600
WINDOW = 3
MOST_ROWS = 4
LEAST_TYPO_LENGTH = 5
TYPO_RATIO = 0.8


@dataclass(frozen=True, slots=True)
class Extract:
    """A quotation that answers, its mark [1] included, and its citation."""

    text: str
    cited: Cited


@dataclass(frozen=True, slots=True)
class _Match:
    passage: Passage
    units: tuple[Unit, ...]
    best: int
    coverage: float
    value: float


def extract(passages: Sequence[Passage], topic: Topic, words: Words) -> Extract | None:
    """The quotation that answers a question about `topic`, or None when no passage holds it.

    `passages` come best first with their fused scores; `words` gives the comparable words of a
    text, of the same form as the keys of `topic`.
    """
    near = [one for one in passages[:READ_PASSAGES] if one.score >= LEAST_SCORE]
    if not near or not topic.weights:
        return None
    topic = corrected(topic, {word for one in near for word in words(one.heading + " " + one.text)})
    matches = [_match(passage, topic, words) for passage in near]
    best = max((one for one in matches if one), key=lambda one: one.value, default=None)
    if best is None or not _answers(best):
        return None
    quoted = _with_neighbours(best, topic, words)
    return Extract(
        f"{_joined(quoted)} [1]", quotation(best.passage, 1, quoted, best.units[best.best])
    )


def corrected(topic: Topic, vocabulary: set[str]) -> Topic:
    """Words that the passages do not know, replaced by a known one that they were meant to be."""
    return Topic(
        {
            word if word in vocabulary else _meant(word, vocabulary): weight
            for word, weight in topic.weights.items()
        }
    )


def _meant(word: str, vocabulary: set[str]) -> str:
    if len(word) < LEAST_TYPO_LENGTH or not word.isalpha():
        return word
    alike = [
        known for known in vocabulary if known[:1] == word[:1] and abs(len(known) - len(word)) < 3
    ]
    ratio = {known: SequenceMatcher(None, word, known).ratio() for known in alike}
    best = max(ratio, key=lambda known: ratio[known], default=word)
    return best if ratio.get(best, 0) >= TYPO_RATIO else word


def _match(passage: Passage, topic: Topic, words: Words) -> _Match | None:
    found = tuple(units(passage.text))
    above = set(words(passage.heading))
    covers = [_covered(set(words(unit.text)), above | _heads(found, i, words), topic)
              for i, unit in enumerate(found)]  # fmt: skip
    places = [i for i, unit in enumerate(found) if unit.kind is not Kind.HEADING]
    if not places:
        return None
    best = max(places, key=lambda i: covers[i])
    everything = set(words(passage.text)) | above
    coverage = sum(w for word, w in topic.weights.items() if word in everything) / topic.total
    return _Match(passage, found, best, coverage, covers[best] + passage.score)


def _heads(found: Sequence[Unit], place: int, words: Words) -> set[str]:
    """The words of the nearest heading above a unit, within its passage."""
    for unit in reversed(found[:place]):
        if unit.kind is Kind.HEADING:
            return set(words(unit.text))
    return set()


def _covered(own: set[str], context: set[str], topic: Topic) -> float:
    """The share of the topic in a unit; what only its headings say counts less."""
    weight = 0.0
    for word, value in topic.weights.items():
        if word in own:
            weight += value
        elif word in context:
            weight += value * CONTEXT_WEIGHT
    return weight / topic.total


def _answers(match: _Match) -> bool:
    needed = LEAST_COVERAGE if match.passage.score < SURE_SCORE else LEAST_COVERAGE / 2
    return match.coverage >= needed


def _with_neighbours(match: _Match, topic: Topic, words: Words) -> list[Unit]:
    """The whole section when it is short, else the best unit with those beside it."""
    section = _section(match.units, match.best)
    best = match.units[match.best]
    if best.kind is Kind.ROW:
        return _rows(section, best, topic, words)
    if sum(len(unit.text) for unit in section) <= SECTION_CHARACTERS:
        return section
    place = section.index(best)
    start = max(0, min(place - 1, len(section) - WINDOW))
    return section[start : start + WINDOW]


def _section(found: Sequence[Unit], place: int) -> list[Unit]:
    start = place
    while start > 0 and found[start - 1].kind is not Kind.HEADING:
        start -= 1
    end = place
    while end < len(found) and found[end].kind is not Kind.HEADING:
        end += 1
    return list(found[start:end])


def _rows(section: Sequence[Unit], best: Unit, topic: Topic, words: Words) -> list[Unit]:
    """Of a table only the rows that say as much about the topic as the best one."""
    said = _covered(set(words(best.text)), set(), topic)
    rows = [
        unit
        for unit in section
        if unit.block == best.block and _covered(set(words(unit.text)), set(), topic) >= said
    ]
    return rows[:MOST_ROWS]


def _joined(quoted: Sequence[Unit]) -> str:
    """Sentences run on; items and rows stand on lines of their own; blocks are set apart."""
    text, last = "", None
    for unit in quoted:
        if last is not None:
            text += _between(last, unit)
        text += f"- {unit.text}" if unit.kind is Kind.ITEM else unit.text
        last = unit
    return text


def _between(before: Unit, after: Unit) -> str:
    if after.kind is Kind.SENTENCE and before.block == after.block:
        return " "
    if before.kind is after.kind and before.block == after.block:
        return "\n"
    return "\n\n"
