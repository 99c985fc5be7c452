"""Words as the lexical index knows them: folded, stemmed by language, hashed to 64 bits.

Chinese and Japanese are written without spaces, and Korean joins its particles to the words. Of
their scripts each pair of neighbours is a term: searching needs no dictionary then, and what was
read and what is asked are divided alike wherever a word begins. So does Lucene's CJKBigramFilter
(lucene/analysis/common, org.apache.lucene.analysis.cjk).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import pairwise
from threading import Lock

import snowballstemmer

# With the marks that Hebrew, Arabic and the scripts of India write within their words. Those of
# scripts without spaces, as Thai, divide its runs.
MARK = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0963\u0966-\u0dff"
)
WORD = re.compile(rf"\w+(?:[{MARK}]+\w*)*")
ASCII_WORD = re.compile(r"\w+")
# Han, Hiragana, Katakana and Hangul, as they are after NFKC.
RUN = re.compile(
    "([\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
MOST_WORD_CHARACTERS = 64
MOST_KEPT = 100_000
PAIR = 2
# A stemmer keeps the word at hand in itself: two threads at once would mix theirs.
STEMMING = Lock()


def terms(text: str, language: str) -> list[str]:
    """The stemmed words of `text` in order. `language` is a Snowball name such as "english"; in
    one without a stemmer Latin words are stemmed as English."""
    words = _words(text)
    try:
        return [_stem(word, language) for word in words]
    except _Undivided:
        return [_stem(word, language) for word in _divided(words)]


def counted(text: str, language: str) -> Counter[int]:
    """How often each hashed term stands in `text`."""
    words, term_of = _words(text), _vocabulary(language).__getitem__
    try:
        return Counter(map(term_of, words))
    except _Undivided:
        return Counter(map(term_of, _divided(words)))


def _words(text: str) -> list[str]:
    word = ASCII_WORD if text.isascii() else WORD
    return word.findall(unicodedata.normalize("NFKC", text).lower())


class _Undivided(Exception):
    """A word holds a run of characters to be taken in pairs.

    Found out when it is stemmed: to look through every text for them would cost a fifth more.
    """


def _divided(words: Sequence[str]) -> Iterator[str]:
    """The words with each run in pairs; a run of one character is a word by itself."""
    for word in words:
        for part in RUN.split(word):
            if len(part) > PAIR and RUN.match(part):
                yield from map("".join, pairwise(part))
            elif part:
                yield part


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
    if RUN.search(word):
        if len(word) > PAIR or not RUN.fullmatch(word):
            raise _Undivided
        return word
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
