"""Lexical search: BM25 over posting lists in the database, one for each term of a segment.

A segment is what came into the index in one step: an addition writes few rows, and a search reads
few, whose numbers numpy then sums up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Length
from numpy.typing import NDArray

from knowledge.engine import rank
from knowledge.engine.terms import counted
from knowledge.models import KnowledgeBase, Passage, PostingList, Segment, Source

MOST_TERMS = 48  # of a question, the rarest
MOST_COUNT = 65_535
MOST_COUNTED = 50_000
SHARE_AS_COSINE = 3.0
COMMON = rank.idf(2, 1)  # of a term that half of the passages hold
# How often a passage holds the term, and how many terms it has in all.
POSTING = np.dtype([("passage", "<i8"), ("count", "<u2"), ("length", "<u4")])


@dataclass(frozen=True, slots=True)
class Packed:
    """The posting lists of a segment to be, but for the ids of its passages, which the database
    gives: `postings` by term, of which that of `terms[i]` ends before `ends[i]`, and the `places`
    of their passages within the segment."""

    terms: Sequence[int]
    ends: Sequence[int]
    places: NDArray[np.int64]
    postings: NDArray[np.void]  # of POSTING


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """A question as the index sees it: idf by term, and what would be a perfect score."""

    knowledge_base_id: int
    average_length: float
    weights: Mapping[int, float]  # by term_id

    @property
    def ceiling(self) -> float:
        return rank.ceiling(list(self.weights.values()))


def prepare(base: KnowledgeBase, question: str) -> LexicalQuery:
    """Look up how rare each of the question's terms is in this knowledge base."""
    wanted = list(counted(question, base.language))
    holding = _holding(base, wanted)
    passages = max(base.live_passages, 1)
    weights = {term: rank.idf(passages, min(holding.get(term, 0), passages)) for term in wanted}
    rarest = sorted(weights, key=lambda term: -weights[term])[:MOST_TERMS]
    average = base.live_terms / passages
    return LexicalQuery(base.pk, max(average, 1.0), {term: weights[term] for term in rarest})


def closeness(base: KnowledgeBase, question: str, texts: Sequence[str]) -> Sequence[float]:
    """The share of the question's words, by their weight, that each text holds: as if it were a
    cosine, of those of the local model (docs/decisions/retrieval.md)."""
    weights = prepare(base, question).weights
    total = sum(weights.values()) or 1.0
    shares = [
        sum(weights[term] for term in weights.keys() & counted(text, base.language).keys()) / total
        for text in texts
    ]
    return [min(1.0, SHARE_AS_COSINE * share) for share in shares]


def _holding(base: KnowledgeBase, terms: Sequence[int]) -> dict[int, int]:
    """How many passages hold each term.

    Counting those of "the" takes as long as the search. They are kept until the base has another
    size, which it has after nearly every change; a count that is a little old does no harm.
    """
    size = (base.public_id, base.live_passages, base.live_terms)
    missing = [term for term in terms if (*size, term) not in _counted]
    if missing:
        lists = PostingList.objects.filter(knowledge_base=base, term__in=missing)
        lengths = lists.values("term").annotate(bytes=Sum(Length("data")))
        found = {term: n // POSTING.itemsize for term, n in lengths.values_list("term", "bytes")}
        if len(_counted) > MOST_COUNTED:
            _counted.clear()
        _counted.update({(*size, term): found.get(term, 0) for term in missing})
        return {term: _counted.get((*size, term), found.get(term, 0)) for term in terms}
    return {term: _counted.get((*size, term), 0) for term in terms}


_counted: dict[tuple[str, int, int, int], int] = {}


def best(query: LexicalQuery, count: int) -> dict[int, float]:
    """The `count` best passages by BM25 (passage id to score), best first."""
    scores = score(query, candidates(query, 2 * count))
    ranked = sorted(scores.items(), key=lambda one: (-one[1], one[0]))
    return dict(ranked[:count])


def candidates(query: LexicalQuery, count: int, *, source: Source | None = None) -> list[int]:
    """About `count` passages (of one source) among which are the best ones, best first; also of
    versions that answers may not use.

    The lists of words that most passages hold are the longest and say the least: candidates are
    found by the others, where there are some.
    """
    telling = {term: idf for term, idf in query.weights.items() if idf > COMMON}
    found = _top(replace(query, weights=telling), count, source)
    if len(found) >= count or len(telling) == len(query.weights):
        return found
    return _top(query, count, source)


def _top(query: LexicalQuery, count: int, source: Source | None) -> list[int]:
    if source is None:
        lists = _lists(query)
    else:
        of_source = "SELECT id FROM knowledge_segment WHERE source_id = %s AND version = %s"
        lists = _lists(query, of_source, (source.pk, source.live_version))
    passages, scores = _summed(*_impacts(query, lists))
    best = np.lexsort((passages, -scores))[:count]
    found: list[int] = passages[best].tolist()
    return found


def score(query: LexicalQuery, passage_ids: Collection[int]) -> dict[int, float]:
    """BM25 of these passages; one without any of the terms is left out."""
    segments = Segment.objects.ids_of(passage_ids)
    if not segments:
        return {}
    marks = ", ".join(["%s"] * len(segments))
    passages, impacts = _impacts(query, _lists(query, marks, tuple(segments)))
    wanted = np.isin(passages, list(passage_ids))
    passages, scores = _summed(passages[wanted], impacts[wanted])
    return dict(zip(passages.tolist(), scores.tolist(), strict=True))


Lists = list[tuple[int, bytes]]
Ids = NDArray[np.int64]
Scores = NDArray[np.float64]


def _lists(query: LexicalQuery, segments: str = "", parameters: tuple[int, ...] = ()) -> Lists:
    """The posting lists of the question's terms by term: all, or those of some segments.

    Through no model: there may be thousands of them, of a word that stands on each of many pages.
    """
    if not query.weights:
        return []
    # Terms are numbers of our own making: written out they keep the statement within SQLite's
    # limit of parameters.
    terms = ", ".join(str(term) for term in query.weights)
    condition = f"AND segment_id IN ({segments})" if segments else ""
    sql = f"""
        SELECT term, data FROM knowledge_postinglist
        WHERE knowledge_base_id = %s AND term IN ({terms}) {condition}
    """  # noqa: S608 - nothing in it comes from outside
    with connection.cursor() as cursor:
        cursor.execute(sql, (query.knowledge_base_id, *parameters))
        rows: Lists = cursor.fetchall()
        return rows


def _impacts(query: LexicalQuery, lists: Lists) -> tuple[Ids, Scores]:
    """For each posting of these lists its passage, and what it adds to the passage's BM25."""
    postings = np.frombuffer(b"".join([data for _, data in lists]), POSTING)
    weights = np.array([query.weights[term] for term, _ in lists])
    sizes = np.array([len(data) for _, data in lists], np.int64) // POSTING.itemsize
    counts, lengths = postings["count"].astype(np.float64), postings["length"]
    k1, b = rank.K1, rank.B
    damped = counts + k1 * (1 - b) + k1 * b / query.average_length * lengths
    impacts: Scores = np.repeat(weights, sizes) * counts * (k1 + 1) / damped
    return postings["passage"], impacts


def _summed(passages: Ids, impacts: Scores) -> tuple[Ids, Scores]:
    """Each passage once, with the sum of its impacts."""
    unique, places = np.unique(passages, return_inverse=True)
    return unique, np.bincount(places, impacts, len(unique)).astype(np.float64)


def packed(words: Sequence[Counter[int]]) -> Packed:
    """Of a segment whose passages have these words, as terms.counted gives them.

    Made before they are stored: meanwhile nobody else can write on SQLite.
    """
    sizes = np.array([len(counts) for counts in words], np.int64)
    total = int(sizes.sum())
    terms = np.fromiter((term for counts in words for term in counts), np.int64, total)
    postings = np.zeros(total, POSTING)
    postings["length"] = np.repeat(np.array([counts.total() for counts in words], np.int64), sizes)
    counts = np.fromiter((n for counts in words for n in counts.values()), np.int64, total)
    postings["count"] = np.minimum(counts, MOST_COUNT)
    order = np.argsort(terms, kind="stable")
    terms = terms[order]
    is_last = np.append(terms[1:] != terms[:-1], True)[:total]
    ends = np.flatnonzero(is_last) + 1
    places = np.repeat(np.arange(len(words)), sizes)[order]
    return Packed(terms[is_last].tolist(), ends.tolist(), places, postings[order])


def store(base: KnowledgeBase, parts: Sequence[tuple[Sequence[Passage], Packed]]) -> None:
    """Index (saved) passages, each part as a segment: consecutive ones of a version of a source."""
    segments = Segment.objects.bulk_create(
        Segment(
            source_id=passages[0].source_id,
            version=passages[0].version,
            first=passages[0].position,
            last=passages[-1].position,
        )
        for passages, _ in parts
    )
    rows = [
        (base.pk, term, segment.pk, data)
        for segment, (passages, lists) in zip(segments, parts, strict=True)
        for term, data in _filled(lists, passages)
    ]
    sql = """
        INSERT INTO knowledge_postinglist (knowledge_base_id, term, segment_id, data)
        VALUES (%s, %s, %s, %s)
    """
    with connection.cursor() as cursor:
        cursor.executemany(sql, sorted(rows))  # neighbours in the table are written together


def _filled(lists: Packed, passages: Sequence[Passage]) -> Iterator[tuple[int, bytes]]:
    """The posting list of each term."""
    postings = lists.postings.copy()
    postings["passage"] = np.array([one.pk for one in passages], np.int64)[lists.places]
    data, begin = postings.tobytes(), 0
    for term, end in zip(lists.terms, lists.ends, strict=True):
        yield term, data[begin * POSTING.itemsize : end * POSTING.itemsize]
        begin = end
