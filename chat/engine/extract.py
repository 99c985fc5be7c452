"""An answer without a model: the words of the sources themselves, or a refusal.

The unit of a passage (sentence, list item, table row) that is nearest to the question is quoted
with its neighbours: near by the cosine of its embedding under its heading, by the telling words
that it shares with the question, and by the score of its passage. The same sum decides whether it
answers at all. Passages alone cannot tell: a right topic with a missing fact scores as high as an
answer does, while the nearest sentence does not. Figures: docs/decisions/refusing.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from chat.engine.cite import quotation
from chat.engine.events import Cited
from chat.engine.passages import Passage
from chat.engine.question import Topic, Words
from chat.engine.sentences import Kind, Unit, units

Closeness = Callable[[Sequence[str]], Sequence[float]]

LEAST_SCORE = 0.3  # of a passage: below it lies what is about something else altogether
LEAST_VALUE = 0.75  # of a unit: below it lies what is about the topic and does not answer
SHARED_WEIGHT = 0.2
PASSAGE_WEIGHT = 0.2
UNKNOWN_WEIGHT = 0.1
CONTEXT_WEIGHT = 0.6
READ_PASSAGES = 5
READ_UNITS = 32
SECTION_CHARACTERS = 600
WINDOW = 3
MOST_ROWS = 4
MOST_QUOTATIONS = 2
MOST_BEHIND = 0.06
LEAST_TYPO_LENGTH = 5
TYPO_RATIO = 0.9
NO_SPACE_AFTER = ("。", "！", "？", "」", "』", "）")


@dataclass(frozen=True, slots=True)
class Extract:
    """Quotations that answer, each with its mark, and their citations."""

    text: str
    cited: Sequence[Cited]


@dataclass(frozen=True, slots=True)
class _Place:
    """A unit where it stands; `shared` is the share of the topic that it names."""

    passage: Passage
    units: Sequence[Unit]
    index: int
    heading: str
    shared: float

    @property
    def unit(self) -> Unit:
        return self.units[self.index]

    @property
    def under_heading(self) -> str:
        return f"{self.heading}: {self.unit.text}" if self.heading else self.unit.text


def extract(
    passages: Sequence[Passage], topic: Topic, words: Words, closeness: Closeness
) -> Extract | None:
    """The quotation that answers a question about `topic`, or None when no passage holds it.

    A second one follows when it is nearly as near and stands elsewhere.

    `passages` come best first with their fused scores; `words` gives the comparable words of a
    text, of the same form as the keys of `topic`; `closeness` the cosine of the question to each
    of some texts.
    """
    near = [one for one in passages[:READ_PASSAGES] if one.score >= LEAST_SCORE]
    if not near or not topic.weights:
        return None
    known = {word for one in near for word in words(f"{one.heading} {one.text}")}
    topic = corrected(topic, known)
    places = _worth_reading([place for one in near for place in _places(one, topic, words)])
    if not places:
        return None
    unknown = topic.share(word for word in topic.weights if word not in known)
    cosines = closeness([place.under_heading for place in places])
    values = [
        _value(*pair) - UNKNOWN_WEIGHT * unknown for pair in zip(places, cosines, strict=True)
    ]
    return _quoted(_best(values, places), topic, words)


def _best(values: Sequence[float], places: Sequence[_Place]) -> list[_Place]:
    """Those that answer, best first, without those far behind. A bonus only orders them."""
    fit = [
        (value + place.passage.bonus, place)
        for value, place in zip(values, places, strict=True)
        if value >= LEAST_VALUE
    ]
    ranked = sorted(fit, key=lambda pair: -pair[0])
    return [place for value, place in ranked if value >= ranked[0][0] - MOST_BEHIND]


def _quoted(places: Sequence[_Place], topic: Topic, words: Words) -> Extract | None:
    """The sections around the first places, each section once."""
    texts: list[str] = []
    cited: list[Cited] = []
    seen: list[tuple[str, int, int]] = []
    for place in places:
        at = place.passage.start + place.unit.start
        if any(source == place.passage.source_id and a <= at < b for source, a, b in seen):
            continue
        quoted = _with_neighbours(place, topic, words)
        one = quotation(place.passage, len(cited) + 1, quoted, place.unit)
        texts.append(f"{_joined(quoted)} [{one.number}]")
        cited.append(one)
        seen.append((one.source_id, one.start, one.end))
        if len(cited) == MOST_QUOTATIONS:
            break
    return Extract("\n\n".join(texts), cited) if cited else None


def _value(place: _Place, cosine: float) -> float:
    return cosine + SHARED_WEIGHT * place.shared + PASSAGE_WEIGHT * place.passage.score


def _worth_reading(places: Sequence[_Place]) -> list[_Place]:
    """As many as can be embedded in good time: those that share words, of the best passages."""
    ranked = sorted(places, key=lambda place: -(place.shared + place.passage.score))
    return ranked[:READ_UNITS]


def _places(passage: Passage, topic: Topic, words: Words) -> Iterator[_Place]:
    found = units(passage.text)
    above = set(words(passage.heading))
    heading = passage.heading.rpartition(" › ")[2]
    for index, unit in enumerate(found):
        if unit.kind is Kind.HEADING:
            heading = unit.text
            continue
        context = above | set(words(heading))
        shared = _shared(set(words(unit.text)), context, topic)
        yield _Place(passage, found, index, heading, shared)


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


def _shared(own: set[str], context: set[str], topic: Topic) -> float:
    """The share of the topic that a unit names; what only its headings say counts less."""
    named = topic.share(word for word in topic.weights if word in own)
    above = topic.share(word for word in topic.weights if word in context - own)
    return named + CONTEXT_WEIGHT * above


def _with_neighbours(place: _Place, topic: Topic, words: Words) -> list[Unit]:
    """The whole section when it is short or an answer, else the best unit with those beside it."""
    section = _section(place.units, place.index)
    if place.unit.kind is Kind.ROW:
        return _rows(section, place.unit, topic, words)
    if place.passage.is_answer or sum(len(unit.text) for unit in section) <= SECTION_CHARACTERS:
        return section
    at = section.index(place.unit)
    start = max(0, min(at - 1, len(section) - WINDOW))
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
    said = _shared(set(words(best.text)), set(), topic)
    rows = [
        unit
        for unit in section
        if unit is best
        or (unit.block == best.block and _shared(set(words(unit.text)), set(), topic) > said)
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
        return "" if before.text.endswith(NO_SPACE_AFTER) else " "
    if before.kind is after.kind and before.block == after.block:
        return "\n"
    return "\n\n"
