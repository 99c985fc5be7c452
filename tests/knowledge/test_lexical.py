"""Search by words: the short cuts give what reading every list would."""

from __future__ import annotations

import numpy as np
import pytest

from accounts.models import Client
from knowledge import ingest, lexical
from knowledge.embedding import pack
from knowledge.engine.terms import counted, term_id
from knowledge.models import KnowledgeBase, Passage, Source

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
    passages = [
        Passage(
            source=source,
            version=1,
            position=position,
            text=text,
            start=0,
            end=len(text),
            terms=counted(text, base.language).total(),
            embedding=pack(np.ones(4, np.float32)),
        )
        for position, text in enumerate(texts)
    ]
    Passage.objects.bulk_create(passages)
    words = [counted(passage.indexed_text, base.language) for passage in passages]
    lexical.store(base, passages, words)
    ingest.recount(base)
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
    # Of passages that fit equally well any may come: only the scores are told.
    best, everything = lexical.best(query, 10), lexical._top(query, 10)
    assert sorted(best.values()) == pytest.approx(sorted(everything.values()))
    assert len(best) == len(everything)


def test_what_was_counted_is_counted_anew_when_the_base_grows(base: KnowledgeBase) -> None:
    before = lexical.prepare(base, "umbrella").weights
    known(base, ["an umbrella"] * 5)
    after = lexical.prepare(base, "umbrella").weights
    assert after[term_id("umbrella")] < before[term_id("umbrella")]
