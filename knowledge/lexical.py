"""Lexical search: BM25 over a posting table, in SQL that SQLite and PostgreSQL both read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connection
from django.db.models import Count

from knowledge.engine import rank
from knowledge.engine.terms import counted
from knowledge.models import KnowledgeBase, Passage, Posting, Source

MOST_TERMS = 48  # of a question, the rarest
MOST_COUNT = 32_767
MOST_COUNTED = 50_000
COMMON = rank.idf(2, 1)  # of a term that half of the passages hold


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


def _holding(base: KnowledgeBase, terms: Sequence[int]) -> dict[int, int]:
    """How many passages hold each term.

    Counting those of "the" takes as long as the search. They are kept until the base has another
    size, which it has after nearly every change; a count that is a little old does no harm.
    """
    size = (base.public_id, base.live_passages, base.live_terms)
    missing = [term for term in terms if (*size, term) not in _counted]
    if missing:
        rows = Posting.objects.filter(knowledge_base=base, term__in=missing)
        found = dict(rows.values("term").annotate(n=Count("*")).values_list("term", "n"))
        if len(_counted) > MOST_COUNTED:
            _counted.clear()
        _counted.update({(*size, term): found.get(term, 0) for term in missing})
        return {term: _counted.get((*size, term), found.get(term, 0)) for term in terms}
    return {term: _counted.get((*size, term), 0) for term in terms}


_counted: dict[tuple[str, int, int, int], int] = {}


def best(query: LexicalQuery, count: int, *, source: Source | None = None) -> dict[int, float]:
    """The `count` best passages by BM25 (passage id to score), best first; of one source alone,
    of those that answers may use.

    The lists of words that most passages hold are the longest and say the least: candidates are
    found by the others, where there are some, and then all words count.
    """
    if source is not None:
        return _top_within(query, count, source)
    telling = {term: idf for term, idf in query.weights.items() if idf > COMMON}
    if len(telling) == len(query.weights) or not telling:
        return _top(query, count)
    found = score(query, _top(replace(query, weights=telling), 2 * count).keys())
    if len(found) < count:
        return _top(query, count)
    ranked = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return dict(ranked[:count])


def _top(query: LexicalQuery, count: int) -> dict[int, float]:
    return dict(_scores(query, "", (), _limited(count)))


def _top_within(query: LexicalQuery, count: int, source: Source) -> dict[int, float]:
    of_source = "SELECT id FROM knowledge_passage WHERE source_id = %s AND version = %s"
    live = (source.pk, source.live_version)
    return dict(_scores(query, f"AND passage_id IN ({of_source})", live, _limited(count)))


def _limited(count: int) -> str:
    return f"ORDER BY 2 DESC, 1 LIMIT {int(count)}"


def score(query: LexicalQuery, passage_ids: Collection[int]) -> dict[int, float]:
    """BM25 of these passages; one without any of the terms is left out."""
    if not passage_ids:
        return {}
    marks = ", ".join(["%s"] * len(passage_ids))
    return dict(_scores(query, f"AND passage_id IN ({marks})", tuple(passage_ids), ""))


def _scores(
    query: LexicalQuery, condition: str, parameters: tuple[int, ...], tail: str
) -> Iterable[tuple[int, float]]:
    if not query.weights:
        return []
    # Terms and weights are numbers of our own making: written out they keep the statement
    # within SQLite's limit of parameters.
    cases = " ".join(f"WHEN {term} THEN {weight!r}" for term, weight in query.weights.items())
    terms = ", ".join(str(term) for term in query.weights)
    k1, b, average = rank.K1, rank.B, query.average_length
    sql = f"""
        SELECT passage_id, SUM(
            CAST(CASE term {cases} END AS DOUBLE PRECISION) * count * {k1 + 1}
            / (CAST(count AS DOUBLE PRECISION) + {k1 * (1 - b)!r} + {k1 * b / average!r} * length)
        ) AS bm25
        FROM knowledge_posting
        WHERE knowledge_base_id = %s AND term IN ({terms}) {condition}
        GROUP BY passage_id {tail}
    """  # noqa: S608 - nothing in it comes from outside
    with connection.cursor() as cursor:
        cursor.execute(sql, (query.knowledge_base_id, *parameters))
        return [(int(row[0]), float(row[1])) for row in cursor.fetchall()]


def store(base: KnowledgeBase, passages: Sequence[Passage], words: Sequence[Counter[int]]) -> None:
    """The index rows of these (saved) passages, whose `words` are as terms.counted gives them.

    A passage has a hundred rows: as model instances they took half of an ingestion's processor.
    """
    rows = [
        (base.pk, term, passage.pk, min(count, MOST_COUNT), passage.terms)
        for passage, counts in zip(passages, words, strict=True)
        for term, count in counts.items()
    ]
    sql = """
        INSERT INTO knowledge_posting (knowledge_base_id, term, passage_id, count, length)
        VALUES (%s, %s, %s, %s, %s)
    """
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
