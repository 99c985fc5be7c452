"""Citation marks: which ones reach the visitor, and what each of them quotes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import sqrt

from chat.engine.events import Cited
from chat.engine.passages import Passage
from chat.engine.sentences import Kind, Unit, units

MARK = re.compile(r"\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\]")
# May still become a mark, or turn out to be a link's: [1](…).
UNDECIDED = re.compile(rf"\[(?:\d{{1,3}}\s*[,;]\s*)*(?:\d{{1,3}}\s*)?|{MARK.pattern}")
MOST_QUOTE_CHARACTERS = 400
NUMBERS = re.compile(r"\d+")

Words = Callable[[str], list[str]]


class CitationFilter:
    """Passes a streamed text on, letting only marks of real passages through.

    The model numbers the passages as they were given to it, 1 to `passages`; the visitor sees them
    numbered in the order of their first mention. A number without a passage is dropped, with the
    space before it. `[1, 2]` becomes `[1][2]`.
    """

    def __init__(self, passages: int) -> None:
        self.passages = passages
        self.numbers: dict[int, int] = {}  # the model's number to the visitor's
        self._held = ""

    def feed(self, text: str) -> str:
        """What of `text` (and of what was held back before) can be shown now."""
        self._held += text
        ready, self._held = _split_held(self._held)
        return MARK_AND_SPACE.sub(self._renumber, ready)

    def flush(self) -> str:
        """The rest, once the text has ended."""
        ready, self._held = self._held, ""
        return MARK_AND_SPACE.sub(self._renumber, ready)

    def _renumber(self, match: re.Match[str]) -> str:
        wanted = [int(number) for number in NUMBERS.findall(match["mark"])]
        shown = [self._shown(number) for number in wanted if 1 <= number <= self.passages]
        marks = "".join(f"[{number}]" for number in dict.fromkeys(shown))
        return f"{match['space']}{marks}" if marks else ""

    def _shown(self, number: int) -> int:
        return self.numbers.setdefault(number, len(self.numbers) + 1)


MARK_AND_SPACE = re.compile(rf"(?P<space>[ \t]*)(?P<mark>{MARK.pattern})(?!\()")


def _split_held(text: str) -> tuple[str, str]:
    """Cut before what is still undecided, and before the spaces in front of it."""
    opened = text.rfind("[")
    cut = opened if opened >= 0 and UNDECIDED.fullmatch(text, opened) else len(text)
    kept = text[:cut].rstrip(" \t")
    return kept, text[len(kept) :]


def without_marks(text: str) -> str:
    """An earlier answer for the model's eyes: its marks meant other passages."""
    return MARK_AND_SPACE.sub("", text)


def cited(
    answer: str, passages: Sequence[Passage], numbers: dict[int, int], words: Words
) -> list[Cited]:
    """One citation for each number in use, with the words of its passage that fit best.

    `numbers` maps places in `passages` (from 1) to the numbers in `answer`; `words` gives the
    comparable words of a text.
    """
    return [
        cite(passages[place - 1], number, words(_claims(answer, number)), words)
        for place, number in sorted(numbers.items(), key=lambda pair: pair[1])
    ]


def cite(passage: Passage, number: int, claim: Sequence[str], words: Words) -> Cited:
    """The citation of the unit of `passage` that shares most words with `claim`."""
    found = [unit for unit in units(passage.text) if unit.kind is not Kind.HEADING]
    best = max(found, key=lambda unit: _overlap(words(unit.text), claim), default=None)
    return quotation(passage, number, [best] if best else [])


def quotation(
    passage: Passage, number: int, quoted: Sequence[Unit], best: Unit | None = None
) -> Cited:
    """The citation of neighbouring units of a passage; the whole of it when none are given.

    They may run over a page's end: the page is that of the `best` of them, or else of the first.
    """
    start = quoted[0].start if quoted else 0
    end = quoted[-1].end if quoted else len(passage.text)
    text = " ".join(unit.text for unit in quoted) or passage.text
    return Cited(
        number=number,
        source_id=passage.source_id,
        title=passage.title,
        url=passage.url,
        quote=shortened(text),
        start=passage.start + start,
        end=passage.start + end,
        page=passage.page_at(best.start if best else start),
    )


def shortened(text: str) -> str:
    if len(text) <= MOST_QUOTE_CHARACTERS:
        return text
    return text[:MOST_QUOTE_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _claims(answer: str, number: int) -> str:
    """The sentences of the answer that carry this mark."""
    mark = f"[{number}]"
    sentences = re.split(r"(?<=[.!?\]])\s+(?!\[)", answer)
    return " ".join(sentence for sentence in sentences if mark in sentence) or answer


def _overlap(words: Sequence[str], claim: Sequence[str]) -> float:
    """Shared words, less for long units: the sentence that says it, not the one that says all."""
    shared = len(set(words) & set(claim))
    return shared / sqrt(len(set(words)) + 8)
