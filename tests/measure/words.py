"""Text that looks like language: words by Zipf's law, sentences, paragraphs, headings."""

from __future__ import annotations

import random
from itertools import accumulate

SYLLABLES = [consonant + vowel for consonant in "bdgklmnprst" for vowel in "aeio"]
_seeded = random.Random(7)
WORDS = sorted({"".join(_seeded.choices(SYLLABLES, k=_seeded.randint(1, 4))) for _ in range(8000)})
_seeded.shuffle(WORDS)
WEIGHTS = list(accumulate(1 / (rank + 2) for rank in range(len(WORDS))))


def sentence(source: random.Random) -> str:
    words = source.choices(WORDS, cum_weights=WEIGHTS, k=source.randint(6, 18))
    return " ".join(words).capitalize() + "."


def paragraph(source: random.Random, characters: int) -> str:
    text = sentence(source)
    while len(text) < characters:
        text += " " + sentence(source)
    return text


def document(source: random.Random, characters: int) -> str:
    text = f"# {sentence(source)}\n"
    while len(text) < characters:
        text += f"\n## {sentence(source)}\n\n{paragraph(source, 700)}\n"
    return text
