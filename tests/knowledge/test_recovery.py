"""Work is a row: whoever dies in the middle, another one finishes it, and nothing stands twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from django.core.files.storage import default_storage

from knowledge.models import KnowledgeBase, Passage, Source
from knowledge.vectors import vectors
from tests.house import House, Tenant
from tests.knowledge.postings import indexed_passages
from tests.services.django import Worker
from tests.services.waiting import wait_until

PARAGRAPHS = 400


@pytest.fixture
def long_text() -> str:
    """About 400 passages: some ten seconds of embedding."""
    return "\n\n".join(
        f"Paragraph {number} tells about item {number * 7919 % 1000} in the store. " * 14
        for number in range(PARAGRAPHS)
    )


@pytest.fixture
def worker(house: House) -> Iterator[Worker]:
    """The house's worker, which a test may kill; it runs again afterwards."""
    yield house.worker
    house.worker.start()


def test_a_killed_worker_leaves_nothing_undone_and_nothing_twice(
    shop: Tenant, worker: Worker, long_text: str
) -> None:
    document = shop.upload("long.txt", long_text).json()["id"]
    source = shop.source(document)

    for share in (0.2, 0.5):
        wait_until(partial(has_progress, shop, document, share), 120)
        worker.kill()
        stored = source.passages.count()
        assert shop.document(document)["status"] == "embedding"
        worker.start()
        wait_until(partial(has_more_passages, source, stored), 60)

    assert shop.finished(document, timeout=120)["status"] == "ready"
    positions = list(source.passages.order_by("position").values_list("position", flat=True))
    assert positions == list(range(len(positions)))
    assert len(positions) >= PARAGRAPHS
    source.refresh_from_db()
    assert source.attempts == 0  # each of the three stored something: none was in vain
    base_is_whole(shop.base)


def has_progress(shop: Tenant, document: str, least: float) -> bool:
    return bool(shop.document(document)["progress"] > least)


def has_more_passages(source: Source, least: int) -> bool:
    return source.passages.count() > least


def test_a_lost_message_is_found_by_the_sweeper(shop: Tenant, worker: Worker) -> None:
    document = shop.upload("a.txt", "The shop is closed on Mondays.").json()["id"]
    # As after a broker lost its disk: the row is there, queued, and no message for it.
    shop.finished(document)
    source = shop.source(document)
    source.passages.all().delete()
    source.segments.all().delete()
    Source.objects.filter(pk=source.pk).update(state=Source.State.QUEUED, lease="", live_version=0)
    assert shop.finished(document)["status"] == "ready"


def test_a_source_deleted_while_it_is_read_stays_deleted(shop: Tenant, long_text: str) -> None:
    document = shop.upload("long.txt", long_text).json()["id"]
    wait_until(lambda: shop.document(document)["progress"] > 0.15, 60)
    assert shop.http.delete(f"/api/documents/{document}", headers=shop.bearer).status_code == 204
    # The worker notices at its next batch and takes the next job.
    assert shop.learn("b.txt", "We open at nine.")["status"] == "ready"
    passages = Passage.objects.filter(source__knowledge_base=shop.base)
    wait_until(lambda: passages.count() == 1, 30)
    base_is_whole(shop.base)


def test_documents_become_ready_without_chroma_and_reach_it_later(
    house: House, shop: Tenant
) -> None:
    house.chroma.kill()
    try:
        document = shop.learn("hours.txt", "The shop is open from nine to six on weekdays.")
        assert document["status"] == "ready"
        assert "nine to six" in shop.search("When is the shop open?")[0]["text"]
    finally:
        house.chroma.start()
    source = shop.source(document["id"])

    def indexed() -> bool:
        source.refresh_from_db()
        return source.indexed_version == source.live_version

    wait_until(indexed, 30)
    base_is_whole(shop.base)


def base_is_whole(base: KnowledgeBase) -> None:
    """Counts, postings and vectors agree with the passages."""
    base.refresh_from_db()
    passages = Passage.objects.filter(source__knowledge_base=base)
    live = passages.live()
    # What a new version replaced is deleted once that is ready.
    wait_until(lambda: passages.count() == live.count(), 30)
    assert base.live_passages == live.count()
    assert base.live_terms == sum(live.values_list("terms", flat=True))
    assert indexed_passages(base) == set(live.values_list("pk", flat=True))
    assert vectors().count(base.collection) == live.count()


def test_a_deleted_document_is_gone_at_once_and_its_rows_soon(
    shop: Tenant, worker: Worker, long_text: str
) -> None:
    """A worker that is away keeps nobody from deleting, nor does it bring anything back."""
    document = shop.learn("hours.txt", "We open at nine.")["id"]
    source = shop.source(document)
    worker.kill()
    assert shop.http.delete(f"/api/documents/{document}", headers=shop.bearer).status_code == 204
    assert shop.http.get(f"/api/documents/{document}", headers=shop.bearer).status_code == 404
    assert not shop.search("When do you open?")
    again = shop.upload("hours.txt", "We open at nine.").json()["id"]
    assert again != document
    assert Passage.objects.filter(source=source).exists()
    worker.start()
    wait_until(lambda: not Source.objects.filter(pk=source.pk).exists(), 60)
    assert not Passage.objects.filter(source=source.pk).exists()
    assert not default_storage.exists(source.file)
    assert shop.finished(again)["status"] == "ready"
    base_is_whole(shop.base)
