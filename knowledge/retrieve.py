"""The only door through which answers see knowledge: a question in, passages out."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from knowledge import lexical
from knowledge.embedding import embed_kept, for_index, unpack
from knowledge.engine.catalogue import model_of
from knowledge.engine.embed import Vector
from knowledge.engine.errors import EmbedderDown
from knowledge.engine.rank import Scored, fuse, preferring
from knowledge.engine.terms import term_id, terms
from knowledge.models import Faq, KnowledgeBase, Passage, PassageQuerySet, Source
from knowledge.vectors import CollectionBroken, VectorsDown, vectors

logger = logging.getLogger(__name__)

CANDIDATES = 50
MOST_CANDIDATES = 1000  # where many are of versions that answers may not use
COMPARED_AT_ONCE = 2000
# What Chroma keeps in memory alone (vectors.CONFIGURATION) is lost where it has too many
# collections: so many vectors are compared here in some ten milliseconds instead.
MOST_COMPARED = 10_000
COMPARISONS = 2
# What a client's own ranking of its answers adds in the order of hits, and nowhere else
# (docs/decisions/questions-and-answers.md).
BONUS = {Faq.Priority.HIGH: 0.1, Faq.Priority.LOW: -0.1}


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that may answer; `score` is cosine plus lexical, about 0 (nothing) to 2.

    `page` is where it begins; `pages` pairs each place in `text` where a page begins with its
    number. The ranks tell its place among the best 50 of each search, from 1; None is beyond.
    """

    id: int
    source_id: str
    version: int
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
    cosine_rank: int | None
    lexical_rank: int | None
    bonus: float = 0.0  # in its place among the hits, not in its score
    is_answer: bool = False  # that somebody wrote to a question


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first, and how rare each (stemmed) word of the question is in the base.

    `seconds` tells how long each step took, by its name.
    """

    hits: Sequence[Hit]
    rarity: Mapping[str, float]
    seconds: Mapping[str, float]


def words_of(base: KnowledgeBase, text: str) -> list[str]:
    """The words of a text in the form in which this base compares them."""
    return terms(text, base.language)


def closeness(base: KnowledgeBase, question: str, texts: Sequence[str]) -> Sequence[float]:
    """The cosine of the question to each text; zeros when the embedding model is down.

    Where the model cannot read the question, the words they share stand for it.
    """
    if not model_of(base.embedding_model).reads(question):
        return lexical.closeness(base, question, texts)
    try:
        vector = embed_kept(base.embedding_model, [question], asking=True)[0]
        units = embed_kept(base.embedding_model, texts)
    except EmbedderDown as error:
        logger.warning("reading without vectors: %s", error)
        return [0.0] * len(texts)
    model = model_of(base.embedding_model)
    return [model.closeness(float(cosine)) for cosine in np.dot(units, vector)]


class _ModelChanged(Exception):
    """The base got another embedding model between two steps of a search."""


def search(
    base: KnowledgeBase, question: str, *, count: int, within: Source | None = None
) -> Found:
    """The `count` passages of this knowledge base (`within` one of its sources) that fit best.

    Candidates are the best 50 of both searches; each gets its true score in both. Without Chroma
    the lexical candidates remain, still with their cosines; without the embedding model, lexical
    scores alone.
    """
    try:
        return _search(base, question, count, within)
    except _ModelChanged:
        base.refresh_from_db()
        return _search(base, question, count, within)


def _search(base: KnowledgeBase, question: str, count: int, within: Source | None) -> Found:
    watch = _Watch()
    query = lexical.prepare(base, question)
    named = lexical.candidates(query, 2 * CANDIDATES, source=within)
    watch.note("words")
    vector = _embed(base, question)
    watch.note("embedding")
    near = () if vector is None else _nearest(base, vector, within)
    watch.note("meaning")
    live = _live(base, {*near, *named})
    if len(named) == 2 * CANDIDATES and sum(i in live for i in named) < CANDIDATES:
        # A worker has not yet cleared away what they belong to.
        named = lexical.candidates(query, MOST_CANDIDATES, source=within)
        live = _live(base, {*near, *named})
    if vector is not None and within is None and _lacks_some(base, near, live):
        near, live = _looked_further(base, vector, named)
    best = _best_first(lexical.score(query, live.keys()))
    cosines = {} if vector is None else _cosines(vector, live)
    nearest = _best_first({i: cosine for i, cosine in cosines.items() if i in near})
    ranks = _ranks(nearest), _ranks(best)
    ceiling = query.ceiling or 1.0
    shares = {i: value / ceiling for i, value in best.items()}
    model = model_of(base.embedding_model).for_question(question)
    close = {i: model.closeness(cosine) for i, cosine in cosines.items()}
    fused = fuse(close, shares, weight=model.lexical_weight)
    bonuses = _bonuses(live)
    ranked = list(islice(_distinct(preferring(fused, bonuses), live), count))
    rows = Passage.objects.select_related("source").in_bulk([one.passage_id for one in ranked])
    hits = [
        _hit(one, rows[one.passage_id], ranks, bonuses.get(one.passage_id, 0.0))
        for one in ranked
        if one.passage_id in rows
    ]
    rarity = {word: query.weights.get(term_id(word), 0.0) for word in words_of(base, question)}
    watch.note("ranking")
    return Found(hits, rarity, watch.seconds)


def _searched(base: KnowledgeBase) -> PassageQuerySet:
    return Passage.objects.live().filter(source__knowledge_base=base)


def _lacks_some(base: KnowledgeBase, near: Collection[int], live: Mapping[int, bytes]) -> bool:
    """Whether the index gave fewer than there are: it is being filled anew, or what it gave is not
    used yet, or no more."""
    found = sum(i in live for i in near)
    if base.live_passages > MOST_COMPARED:
        return len(near) > 0 and found < CANDIDATES // 2
    return found < min(CANDIDATES, base.live_passages)


def _looked_further(
    base: KnowledgeBase, vector: Vector, named: Collection[int]
) -> tuple[Collection[int], dict[int, bytes]]:
    """The nearest, and the vectors of them and of those `named` that answers may use now.

    All are asked again at one moment: with what was found before, both versions of a source that
    was published in between would come.
    """
    if base.live_passages > MOST_COMPARED:
        near = _nearest(base, vector, None, MOST_CANDIDATES)
        return near, _live(base, {*near, *named})
    for _ in range(COMPARISONS):
        compared = _nearest_among(_searched(base), base, vector)
        live = _live(base, {*compared, *named})
        if live.keys() >= compared.keys():  # nothing was published since
            break
    return compared, live


class _Watch:
    """How long each step took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def note(self, step: str) -> None:
        before, self._last = self._last, time.perf_counter()
        self.seconds[step] = self._last - before


def _best_first(scores: Mapping[int, float]) -> Mapping[int, float]:
    return dict(sorted(scores.items(), key=lambda one: (-one[1], one[0])))


def _ranks(best_first: Mapping[int, float]) -> Mapping[int, int]:
    """The places, from 1, of the best 50."""
    return {passage_id: place for place, passage_id in enumerate(islice(best_first, CANDIDATES), 1)}


def _distinct(ranked: Iterable[Scored], packed: Mapping[int, bytes]) -> Iterator[Scored]:
    """The best of those that say the same: a second copy would take another passage's place.

    The same words under the same headings have the same vector.
    """
    seen = set[bytes]()
    for one in ranked:
        if packed[one.passage_id] not in seen:
            seen.add(packed[one.passage_id])
            yield one


def _embed(base: KnowledgeBase, question: str) -> Vector | None:
    try:
        vector: Vector = embed_kept(base.embedding_model, [question], asking=True)[0]
    except EmbedderDown as error:
        logger.warning("searching without vectors: %s", error)
        return None
    return vector


def _nearest(
    base: KnowledgeBase, vector: Vector, within: Source | None, count: int = CANDIDATES
) -> Collection[int]:
    """The `count` passages nearest to a question, as far as the index knows."""
    if within is not None:
        # Filtering by its id would cost Chroma many times as much, and the best 50 of the whole
        # base may hold none of it.
        return _nearest_among(_searched(base).filter(source=within), base, vector)
    try:
        if vectors(base.shard).hung_lately:
            raise VectorsDown("no answer a moment ago")
        indexed = for_index(base.model, vector)
        # By a part of the numbers the best fifty are not quite the same ones.
        wanted = count if indexed is vector else 2 * count
        found = vectors(base.shard).nearest(base.collection, indexed, wanted)
    except VectorsDown as error:
        logger.warning("searching without Chroma: %s", error)
        if isinstance(error, CollectionBroken) and base.live_passages > MOST_COMPARED:
            KnowledgeBase.objects.filter(pk=base.pk).doubt()
        return ()
    return {one.passage_id for one in found}


def _nearest_among(
    passages: PassageQuerySet, base: KnowledgeBase, vector: Vector
) -> dict[int, float]:
    """The best of these passages, all of whose vectors are compared."""
    wanted = ("pk", "embedding", "source__knowledge_base__generation")
    rows = passages.order_by("pk").values_list(*wanted).iterator(chunk_size=COMPARED_AT_ONCE)
    found = dict[int, float]()
    while batch := list(islice(rows, COMPARED_AT_ONCE)):
        if any(generation != base.generation for *_, generation in batch):
            raise _ModelChanged
        found |= _cosines(vector, {pk: bytes(packed) for pk, packed, _ in batch})
        best = sorted(found, key=lambda pk: (-found[pk], pk))[:CANDIDATES]
        found = {pk: found[pk] for pk in best}
    return found


def _live(base: KnowledgeBase, passage_ids: Iterable[int]) -> dict[int, bytes]:
    """Vectors of those that are this base's and that answers may use now, whatever the index says.

    Plain values: making model instances of a hundred candidates took longer than the search.
    """
    passages = Passage.objects.live().filter(source__knowledge_base=base)
    found = passages.filter(pk__in=list(passage_ids)).values_list(
        "pk", "embedding", "source__knowledge_base__generation"
    )
    rows = list(found)
    if any(generation != base.generation for *_, generation in rows):
        raise _ModelChanged
    return {passage_id: bytes(embedding) for passage_id, embedding, _ in rows}


def _cosines(vector: Vector, packed: Mapping[int, bytes]) -> dict[int, float]:
    if not packed:
        return {}
    cosines = np.dot(unpack(packed.values()), vector)
    return {i: float(cosine) for i, cosine in zip(packed, cosines, strict=True)}


def _bonuses(passage_ids: Iterable[int]) -> Mapping[int, float]:
    """What the priorities of questions and answers add, by passage."""
    rated = Passage.objects.filter(pk__in=list(passage_ids), source__faq__priority__in=list(BONUS))
    rows = rated.values_list("pk", "source__faq__priority")
    return {passage_id: BONUS[Faq.Priority(priority)] for passage_id, priority in rows}


def _hit(
    scored: Scored,
    passage: Passage,
    ranks: tuple[Mapping[int, int], Mapping[int, int]],
    bonus: float,
) -> Hit:
    cosine_ranks, lexical_ranks = ranks
    return Hit(
        id=passage.pk,
        source_id=passage.source.public_id,
        version=passage.version,
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
        cosine_rank=cosine_ranks.get(passage.pk),
        lexical_rank=lexical_ranks.get(passage.pk),
        bonus=bonus,
        is_answer=passage.source.kind == Source.Kind.FAQ,
    )
