"""Search by words: the short cuts give what reading every list would."""

from __future__ import annotations

import math

import numpy as np
import pytest

from accounts.models import Client
from knowledge import lexical, removal, sizes
from knowledge.embedding import pack
from knowledge.engine.terms import counted, term_id
from knowledge.models import KnowledgeBase, Passage, Source
from tests.knowledge.postings import indexed_passages

TEXTS = [f"the shop sells item {number} of kind {number % 7}" for number in range(120)]


@pytest.fixture
def base(db: None) -> KnowledgeBase:
    client = Client.objects.create(name="Words")
    base = KnowledgeBase.objects.create(client=client, name="W", embedding_model="none")
    return known(base, TEXTS)


def known(base: KnowledgeBase, texts: list[str]) -> KnowledgeBase:
    """The base with these texts, each a passage of one more source."""
    source = Source.objects.create(
        knowledge_base=base,
        title="W",
        format="text",
        sha256=str(base.live_passages),
        state=Source.State.READY,
        live_version=1,
    )
    store(base, [passage_of(source, position, text) for position, text in enumerate(texts)])
    sizes.recount(base)
    base.refresh_from_db()
    return base


@pytest.mark.parametrize(
    "question",
    ["the item 17", "the shop", "of kind 3", "the shop sells item 5 and item 99", "nothing of it"],
)
def test_common_words_count_but_need_not_be_looked_through(
    base: KnowledgeBase, question: str
) -> None:
    query = lexical.prepare(base, question)
    everything = lexical.score(query, Passage.objects.values_list("pk", flat=True))
    # Of passages that fit equally well any may come: only the scores are told.
    expected = sorted(everything.values(), reverse=True)[:10]
    assert list(lexical.best(query, 10).values()) == pytest.approx(expected)


def test_what_was_counted_is_counted_anew_when_the_base_grows(base: KnowledgeBase) -> None:
    before = lexical.prepare(base, "umbrella").weights
    known(base, ["an umbrella"] * 5)
    after = lexical.prepare(base, "umbrella").weights
    assert after[term_id("umbrella")] < before[term_id("umbrella")]


def test_a_score_is_bm25_by_the_book(base: KnowledgeBase) -> None:
    known(base, ["umbrella umbrella rain", "rain and more rain"])
    passages = base.live_passages
    length = {passage.text: passage.terms for passage in Passage.objects.all()}
    query = lexical.prepare(base, "Umbrella, rain?")

    def part(text: str, count: int, holding: int) -> float:
        idf = math.log(1 + (passages - holding + 0.5) / (holding + 0.5))
        norm = 1.2 * (0.25 + 0.75 * length[text] / (base.live_terms / passages))
        return idf * count * 2.2 / (count + norm)

    both, rain = "umbrella umbrella rain", "rain and more rain"
    expected = {both: part(both, 2, 1) + part(both, 1, 2), rain: part(rain, 2, 2)}
    texts = dict(Passage.objects.values_list("pk", "text"))
    found = {texts[pk]: score for pk, score in lexical.best(query, 10).items()}
    assert found == pytest.approx(expected)


def test_a_segment_is_found_from_any_of_its_passages(base: KnowledgeBase) -> None:
    """Also of a source that came in with several, and beside one that came in with another."""
    source = Source.objects.get()
    more = [passage_of(source, position, f"umbrella {position}") for position in range(120, 150)]
    store(base, more[:20])
    store(base, more[20:])
    query = lexical.prepare(base, "umbrella")
    for passage in (more[0], more[19], more[20], more[29]):
        assert list(lexical.score(query, [passage.pk])) == [passage.pk]
    assert len(lexical.score(query, [one.pk for one in more])) == 30


def test_words_that_no_passage_holds_find_nothing(base: KnowledgeBase) -> None:
    for question in ("zeppelin", "", "?!"):
        query = lexical.prepare(base, question)
        assert lexical.best(query, 10) == {}
        assert lexical.score(query, Passage.objects.values_list("pk", flat=True)) == {}


def test_a_passage_without_a_word_is_stored_and_never_found(base: KnowledgeBase) -> None:
    known(base, ["— … —"])
    assert not Passage.objects.filter(text="— … —", terms__gt=0).exists()


def test_a_removal_that_is_broken_off_leaves_whole_segments(
    base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads the version again goes on after the passages that are there."""
    source = Source.objects.get()
    more = [passage_of(source, position, f"umbrella {position}") for position in range(120, 800)]
    for at in range(0, len(more), 100):
        store(base, more[at : at + 100])
    told: list[int] = []

    def forget(_: KnowledgeBase, ids: list[int]) -> None:
        told.append(len(ids))
        if len(told) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(removal, "forget_vectors", forget)
    with pytest.raises(KeyboardInterrupt):
        removal.remove_passages(source, source.passages.all())
    assert told == [580, 220]
    left = set(source.passages.values_list("pk", flat=True))
    assert len(left) == 220
    assert indexed_passages(base) == left
    removal.remove_passages(source, source.passages.all())
    assert indexed_passages(base) == set()


def passage_of(source: Source, position: int, text: str) -> Passage:
    return Passage(
        source=source,
        version=1,
        position=position,
        text=text,
        start=0,
        end=len(text),
        terms=counted(text, "english").total(),
        embedding=pack(np.ones(4, np.float32)),
    )


def store(base: KnowledgeBase, passages: list[Passage]) -> None:
    Passage.objects.bulk_create(passages)
    words = [counted(passage.indexed_text, base.language) for passage in passages]
    lexical.store(base, [(passages, lexical.packed(words))])
