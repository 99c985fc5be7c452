"""Clearing up that is broken off leaves nothing that somebody would take for something else."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

import numpy as np
import pytest
from django.utils import timezone

from knowledge import index, indexing, jobs, lexical, publishing, removal, retrieve, sizes
from knowledge.embedding import embed_kept, pack
from knowledge.engine.errors import EmbedderDown, Unreadable
from knowledge.engine.terms import counted
from knowledge.models import KnowledgeBase, Passage, Segment, Source
from knowledge.vectors import vectors
from tests.house import Tenant

QUESTION = "What does the umbrella cost?"


class Killed(BaseException):
    """Nothing that follows happens."""


def source_of(shop: Tenant, **fields: object) -> Source:
    """One that this process works on."""
    given: dict[str, object] = {"state": Source.State.EMBEDDING, "lease": "ours", "title": "S"}
    given |= {"format": "text", "sha256": "0", "heartbeat_at": timezone.now(), **fields}
    return Source.objects.create(knowledge_base=shop.base, **given)


def store(source: Source, version: int, count: int, text: str) -> None:
    words = counted(text, "english")
    passages = [
        Passage(
            source=source,
            version=version,
            position=position,
            text=text,
            start=0,
            end=len(text),
            terms=words.total(),
            embedding=pack(np.full(384, (version + position) / 1000, np.float32)),
        )
        for position in range(count)
    ]
    Passage.objects.bulk_create(passages)
    lexical.store(source.knowledge_base, [(passages, lexical.packed([words] * count))])


def killed(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("replacing", [False, True])
def test_a_version_that_cannot_be_read_is_cleared_before_anything_else_may_begin(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch, replacing: bool
) -> None:
    previous = {"sha256": "1", "file": "", "title": "Before"} if replacing else {}
    live = 1 if replacing else 0
    source = source_of(shop, version=2, live_version=live, previous=previous)
    store(source, 2, 40, "An umbrella costs nine.")

    def unreadable(_: Source) -> None:
        raise Unreadable("There is nothing in it.")

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(removal, "forget_vectors", killed)
        jobs.work_on(source, unreadable)
    source.refresh_from_db()
    assert (source.state, source.lease) == (Source.State.EMBEDDING, "ours")
    jobs.work_on(source, unreadable)
    source.refresh_from_db()
    ended = Source.State.READY if replacing else Source.State.FAILED
    assert (source.state, source.lease) == (ended, "")
    assert not source.passages.exists()
    assert not source.segments.exists()


def test_a_model_that_goes_down_in_the_middle_of_a_document_is_waited_for(shop: Tenant) -> None:
    """With the first batch that was stored it has no tries any more."""
    source = source_of(shop, attempts=0)

    def down(_: Source) -> None:
        raise EmbedderDown("gone")

    jobs.work_on(source, down)
    source.refresh_from_db()
    assert (source.state, source.attempts, source.lease) == (Source.State.QUEUED, 0, "ours")
    source.delete()


def test_versions_that_nobody_cleared_away_take_no_place_and_go(shop: Tenant) -> None:
    source = source_of(shop, version=2, live_version=2, state=Source.State.READY, lease="")
    store(source, 1, 150, "An umbrella costs nine.")
    store(source, 2, 60, "An umbrella costs ten.")
    sizes.recount(shop.base)
    shop.base.refresh_from_db()
    query = lexical.prepare(shop.base, QUESTION)
    named = set(lexical.candidates(query, 100))
    assert not named & set(source.passages.live().values_list("pk", flat=True))
    hits = retrieve.search(shop.base, QUESTION, count=5).hits
    assert {hit.version for hit in hits} == {2}
    assert all(hit.lexical for hit in hits)
    publishing.clear_leftovers()
    assert set(source.passages.values_list("version", flat=True)) == {2}
    assert list(Segment.objects.filter(source=source).values_list("version", "last")) == [(2, 59)]
    removal.remove(source)


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_version_published_in_the_middle_of_a_search_leaves_one_of_both(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """The search asks the database more than once, and compares all as the index gives too few."""
    source = source_of(shop, version=2, live_version=1, state=Source.State.READY, lease="")
    store(source, 1, 1, "An umbrella costs nine.")
    store(source, 2, 1, "An umbrella costs ten.")
    sizes.recount(shop.base)
    shop.base.refresh_from_db()
    calls = count(1)
    usual = retrieve._live

    def late(base: KnowledgeBase, passage_ids: Iterable[int]) -> dict[int, bytes]:
        if next(calls) == moment:
            Source.objects.filter(pk=source.pk).update(live_version=2)
        return usual(base, passage_ids)

    monkeypatch.setattr(retrieve, "_live", late)
    found = retrieve.search(shop.base, QUESTION, count=5).hits
    assert [hit.version for hit in found] == [1 if moment == 3 else 2]
    removal.remove(source)


@pytest.mark.parametrize("is_large", [False, True])
def test_what_is_being_read_hides_nothing_of_what_is_ready(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    """Its vectors come into the index before answers may use it."""
    if is_large:
        monkeypatch.setattr(retrieve, "MOST_COMPARED", 10)
    ready = source_of(shop, live_version=1, state=Source.State.READY, lease="")
    store(ready, 1, 60, "Rain is likely.")
    coming = source_of(shop, sha256="2")
    store(coming, 1, 300, "An umbrella costs nine.")
    sizes.recount(shop.base)
    shop.base.refresh_from_db()
    asked = embed_kept(shop.base.embedding_model, [QUESTION], asking=True)[0]
    coming.passages.update(embedding=pack(asked))  # nearer than all others
    for source in (ready, coming):
        assert indexing.push_passages(source, source.passages.all(), beat=lambda: None)
    assert index.check(shop.base).ok
    hits = retrieve.search(shop.base, QUESTION, count=5).hits
    assert {hit.source_id for hit in hits} == {ready.public_id}
    assert all(hit.cosine_rank for hit in hits)
    index.rebuild(shop.base)
    assert vectors().count(shop.base.collection) == 360
    for source in (ready, coming):
        removal.remove(source)
    assert vectors().count(shop.base.collection) == 0
