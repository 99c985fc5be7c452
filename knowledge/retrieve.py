"""The only door through which answers see knowledge: a question in, passages out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from knowledge import lexical
from knowledge.embedding import embed_kept, unpack
from knowledge.engine.embed import Vector
from knowledge.engine.errors import EmbedderDown
from knowledge.engine.rank import Scored, fuse
from knowledge.engine.terms import term_id, terms
from knowledge.models import KnowledgeBase, Passage
from knowledge.vectors import VectorsDown, vectors

logger = logging.getLogger(__name__)

CANDIDATES = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that may answer; `score` is cosine plus lexical, about 0 (nothing) to 2.

    `page` is where it begins; `pages` pairs each place in `text` where a page begins with its
    number.
    """

    id: int
    source_id: str
    title: str
    url: str
    heading: str
    text: str
    page: int | None
    pages: Sequence[tuple[int, int]]
    start: int
    end: int
    score: float
    cosine: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first, and how rare each (stemmed) word of the question is in the base."""

    hits: Sequence[Hit]
    rarity: Mapping[str, float]


def words_of(base: KnowledgeBase, text: str) -> list[str]:
    """The words of a text in the form in which this base compares them."""
    return terms(text, base.language)


def closeness(base: KnowledgeBase, question: str, texts: Sequence[str]) -> Sequence[float]:
    """The cosine of the question to each text; zeros when the embedding model is down."""
    try:
        vector = embed_kept(base.embedding_model, [question])[0]
        units = embed_kept(base.embedding_model, texts)
    except EmbedderDown as error:
        logger.warning("reading without vectors: %s", error)
        return [0.0] * len(texts)
    return [float(cosine) for cosine in np.dot(units, vector)]


def search(base: KnowledgeBase, question: str, *, count: int) -> Found:
    """The `count` passages of this knowledge base that fit best.

    Candidates are the best 50 of both searches; each gets its true score in both. Without Chroma
    the lexical candidates remain, still with their cosines; without the embedding model, lexical
    scores alone.
    """
    query = lexical.prepare(base, question)
    best = lexical.best(query, CANDIDATES)
    vector = _embed(base, question)
    near = {} if vector is None else _nearest(base, vector)
    best |= lexical.score(query, near.keys() - best.keys())
    live = _live(base, best.keys() | near.keys())
    if vector is not None:
        near |= _cosines(vector, {i: live[i] for i in live.keys() - near.keys()})
    ceiling = query.ceiling or 1.0
    shares = {i: value / ceiling for i, value in best.items() if i in live}
    ranked = fuse({i: value for i, value in near.items() if i in live}, shares)[:count]
    rows = Passage.objects.select_related("source").in_bulk([one.passage_id for one in ranked])
    hits = [_hit(one, rows[one.passage_id]) for one in ranked if one.passage_id in rows]
    rarity = {word: query.weights.get(term_id(word), 0.0) for word in words_of(base, question)}
    return Found(hits, rarity)


def _embed(base: KnowledgeBase, question: str) -> Vector | None:
    try:
        vector: Vector = embed_kept(base.embedding_model, [question])[0]
    except EmbedderDown as error:
        logger.warning("searching without vectors: %s", error)
        return None
    return vector


def _nearest(base: KnowledgeBase, vector: Vector) -> dict[int, float]:
    if vectors(base.shard).hung_lately:
        return {}
    try:
        found = vectors(base.shard).nearest(base.collection, vector, CANDIDATES)
    except VectorsDown as error:
        logger.warning("searching without Chroma: %s", error)
        return {}
    return {one.passage_id: one.cosine for one in found}


def _live(base: KnowledgeBase, passage_ids: Iterable[int]) -> Mapping[int, bytes]:
    """Vectors of those that are this base's and that answers may use now, whatever the index says.

    Plain values: making model instances of a hundred candidates took longer than the search.
    """
    passages = Passage.objects.live().filter(source__knowledge_base=base)
    found = passages.filter(pk__in=list(passage_ids)).values_list("pk", "embedding")
    return {passage_id: bytes(embedding) for passage_id, embedding in found}


def _cosines(vector: Vector, packed: Mapping[int, bytes]) -> dict[int, float]:
    if not packed:
        return {}
    cosines = np.dot(unpack(packed.values()), vector)
    return {i: float(cosine) for i, cosine in zip(packed, cosines, strict=True)}


def _hit(scored: Scored, passage: Passage) -> Hit:
    return Hit(
        id=passage.pk,
        source_id=passage.source.public_id,
        title=passage.source.title,
        url=passage.source.url,
        heading=passage.heading,
        text=passage.text,
        page=passage.page,
        pages=passage.pages,
        start=passage.start,
        end=passage.end,
        score=scored.score,
        cosine=scored.cosine,
        lexical=scored.lexical,
    )
