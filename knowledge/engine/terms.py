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
MOST_KEPT = 100_000
# A stemmer keeps the word at hand in itself: two threads at once would mix theirs.
STEMMING = Lock()


def terms(text: str, language: str) -> list[str]:
    """The stemmed words of `text` in order. `language` is a Snowball name such as "english"."""
    return [_stem(word, language) for word in _words(text)]


def counted(text: str, language: str) -> Counter[int]:
    """How often each hashed term stands in `text`."""
    return Counter(map(_vocabulary(language).__getitem__, _words(text)))


def _words(text: str) -> list[str]:
    return WORD.findall(unicodedata.normalize("NFKC", text).lower())


class _Vocabulary(dict[str, int]):
    """The hashed term of each word as it is written, of those that came lately: of a long text
    nearly every word is looked up here."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __missing__(self, word: str) -> int:
        if len(self) > MOST_KEPT:
            self.clear()
        term = self[word] = term_id(_stem(word, self.language))
        return term


@cache
def _vocabulary(language: str) -> _Vocabulary:
    return _Vocabulary(language)


@lru_cache(maxsize=MOST_KEPT)
def _stem(word: str, language: str) -> str:
    with STEMMING:
        return str(_stemmer(language).stemWord(word[:MOST_WORD_CHARACTERS]))


@cache
def _stemmer(language: str) -> snowballstemmer.stemmer:
    known = language in snowballstemmer.algorithms()
    return snowballstemmer.stemmer(language if known else "english")


@lru_cache(maxsize=MOST_KEPT)
def term_id(term: str) -> int:
    """A signed 64-bit number for a term: half the size of the words, and any script alike."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), signed=True)
