"""BM25's parts and the fusion of both searches into one absolute score.

BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009). The fusion adds
to the cosine the share of the best possible BM25 score; unlike a fusion of ranks it can say that
nothing fits, which the refusal rests on (docs/decisions/retrieval.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

K1 = 1.2
B = 0.75
LEXICAL_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage's fused score with its halves: cosine in [-1, 1], lexical in [0, 1)."""

    passage_id: int
    score: float
    cosine: float
    lexical: float


def idf(passages: int, holding: int) -> float:
    """Weight of a term that `holding` of `passages` passages hold; always positive."""
    return math.log1p((passages - holding + 0.5) / (holding + 0.5))


def ceiling(idfs: Sequence[float]) -> float:
    """What no passage can reach: every term of the question in it without end."""
    return (K1 + 1) * sum(idfs)


def fuse(
    cosines: Mapping[int, float],
    lexical: Mapping[int, float],
    *,
    weight: float = LEXICAL_WEIGHT,
) -> list[Scored]:
    """All passages of either map (passage id to score), best first; ties by id."""
    scored = [
        Scored(
            passage_id,
            cosines.get(passage_id, 0.0) + weight * lexical.get(passage_id, 0.0),
            cosines.get(passage_id, 0.0),
            lexical.get(passage_id, 0.0),
        )
        for passage_id in cosines.keys() | lexical.keys()
    ]
    return sorted(scored, key=lambda one: (-one.score, one.passage_id))


def preferring(ranked: Sequence[Scored], bonuses: Mapping[int, float]) -> list[Scored]:
    """In the order of score plus bonus (by passage id).

    The score itself stays as it is: nothing that does not fit may get past a refusal by it.
    """
    return sorted(ranked, key=lambda one: -(one.score + bonuses.get(one.passage_id, 0.0)))
