"""What a question is about, and what it leans on from the turns before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
EARLIER_WEIGHT = 0.4


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question is about: the weight of each of its telling (stemmed) words."""

    weights: Mapping[str, float]

    def share(self, words: Iterable[str]) -> float:
        """How much of the whole these words weigh, 0 to 1."""
        total = sum(self.weights.values())
        return sum(self.weights[word] for word in words) / total if total else 0.0


def topic_of(
    question: str, asked: str, rarity: Mapping[str, float], words: Words, language: str
) -> Topic:
    """The telling words of what is `asked`, weighted by how rare they are in the knowledge base.

    `asked` is the standalone form of `question`: what the visitor says now weighs more in it than
    what was said before.
    """
    new = set(telling_words(question, words, language))
    weights = {
        word: rarity.get(word, 0.0) * (1.0 if word in new else EARLIER_WEIGHT)
        for word in telling_words(asked, words, language)
    }
    return Topic({word: weight for word, weight in weights.items() if weight > 0})


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
