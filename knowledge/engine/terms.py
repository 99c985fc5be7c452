"""Words as the lexical index knows them: folded, stemmed by language, hashed to 64 bits."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from hashlib import blake2b
from threading import Lock

import snowballstemmer

WORD = re.compile(r"\w+")
MOST_WORD_CHARACTERS = 64
# A stemmer keeps the word at hand in itself: two threads at once would mix theirs.
STEMMING = Lock()


def terms(text: str, language: str) -> list[str]:
    """The stemmed words of `text` in order. `language` is a Snowball name such as "english"."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return [_stem(word[:MOST_WORD_CHARACTERS], language) for word in WORD.findall(folded)]


def counted(text: str, language: str) -> Counter[int]:
    """How often each hashed term stands in `text`."""
    return Counter(term_id(term) for term in terms(text, language))


@lru_cache(maxsize=200_000)
def _stem(word: str, language: str) -> str:
    with STEMMING:
        return str(_stemmer(language).stemWord(word))


@cache
def _stemmer(language: str) -> snowballstemmer.stemmer:
    known = language in snowballstemmer.algorithms()
    return snowballstemmer.stemmer(language if known else "english")


@lru_cache(maxsize=200_000)
def term_id(term: str) -> int:
    """A signed 64-bit number for a term: half the size of the words, and any script alike."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), signed=True)
