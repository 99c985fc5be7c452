"""What a question is about, and what it leans on from the turns before."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chat.engine.prompt import Said
from chat.engine.stopwords import stopwords

Words = Callable[[str], list[str]]

WORD = re.compile(r"\w+")
LEANING = re.compile(
    r"^\W*(and|but|or|so|then|also|what about|how about|what if|same for)\b"
    r"|\b(it|its|that|this|they|them|those|these|there|one|ones|he|she|his|her)\b",
    re.IGNORECASE,
)
FEW_WORDS = 8


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question is about: the weight of each of its telling (stemmed) words."""

    weights: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.weights.values())


def topic_of(question: str, rarity: Mapping[str, float], words: Words, language: str) -> Topic:
    """The telling words of a question, weighted by how rare they are in the knowledge base."""
    return Topic(
        {
            word: rarity.get(word, 0.0)
            for word in telling_words(question, words, language)
            if rarity.get(word, 0.0) > 0
        }
    )


def telling_words(question: str, words: Words, language: str) -> list[str]:
    stop = stopwords(language)
    kept = [word for word in WORD.findall(question.lower()) if word not in stop]
    return list(dict.fromkeys(stem for word in kept for stem in words(word)))


def standalone(question: str, history: Sequence[Said], words: Words, language: str) -> str:
    """The question with the one before it, when alone it would not say what it is about."""
    before = next((said.text for said in reversed(history) if said.role == "visitor"), "")
    if not before or not _leans(question, words, language):
        return question
    return f"{before}\n{question}"


def _leans(question: str, words: Words, language: str) -> bool:
    telling = len(telling_words(question, words, language))
    if telling <= 1:
        return True
    return len(WORD.findall(question)) <= FEW_WORDS * 2 and LEANING.search(question) is not None
