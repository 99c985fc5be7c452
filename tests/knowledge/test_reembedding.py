"""A knowledge base gets another embedding model, and answers all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from chatbot_saas.lib.errors import Conflict
from knowledge import change_model, index, reembed, retrieve, sweep
from knowledge.embedding import embedder_for, unpack
from knowledge.engine.catalogue import LOCAL_NAME
from knowledge.models import KnowledgeBase, NextVector, Passage, Reembedding
from knowledge.vectors import vectors
from tests.house import House, Tenant
from tests.services.waiting import wait_until

SMALL = "hosted:text-embedding-3-small"
LARGE = "hosted:text-embedding-3-large"
FACTS = {
    "hours.md": "# Opening hours\n\nThe shop opens at nine and closes at six.",
    "returns.md": "# Returns\n\nYou may send goods back within sixty days of delivery.",
    "parking.md": "# Parking\n\nThere are twenty spaces for cars behind the building.",
}
PARAGRAPHS = 300


@pytest.fixture
def taught(house: House, speaking: Tenant, settings) -> Tenant:
    """A shop that knows three things by the local model, and could use OpenAI's."""
    settings.OPENAI_API_KEY = "sk-fake"
    settings.OPENAI_BASE_URL = house.fake.url
    for name, text in FACTS.items():
        speaking.learn(name, text)
    return speaking


def test_of_openais_vectors_the_index_holds_a_part_and_scores_are_of_the_whole(
    taught: Tenant,
) -> None:
    change = change_model.begin(taught.base, SMALL)
    wait_until(partial(ended, change), 60)
    taught.base.refresh_from_db()
    collection = vectors()._connected().get_collection(taught.base.collection)
    held = np.array(collection.get(include=["embeddings"])["embeddings"])
    assert held.shape == (len(FACTS), 512)
    assert np.linalg.norm(held, axis=1) == pytest.approx(1.0, abs=1e-3)
    assert index.check(taught.base).ok
    question = "May goods be sent back?"
    best = retrieve.search(taught.base, question, count=1).hits[0]
    whole = unpack([bytes(Passage.objects.get(pk=best.id).embedding)])[0]
    asked = embedder_for(SMALL).embed([question], asking=True)[0]
    assert len(whole) == len(asked) == 1536
    assert best.cosine == pytest.approx(float(np.dot(whole, asked)), abs=1e-3)
    assert best.cosine_rank == 1


@pytest.fixture
def well_read(taught: Tenant) -> Tenant:
    """It has some hundred passages more: making vectors of them takes a while."""
    text = "\n\n".join(
        f"Paragraph {number} tells about item {number * 7919 % 1000} in the store. " * 14
        for number in range(PARAGRAPHS)
    )
    taught.learn("long.txt", text)
    return taught


def ended(change: Reembedding) -> bool:
    change.refresh_from_db()
    return not change.is_working


def cleared(change: Reembedding) -> bool:
    change.refresh_from_db()
    return change.is_cleared


def progress(change: Reembedding, least: float) -> bool:
    change.refresh_from_db()
    return change.progress >= least


def finds(shop: Tenant) -> bool:
    return bool(shop.search("When does the shop open?")[0]["title"] == "Opening hours")


def is_as_it_was(shop: Tenant) -> bool:
    shop.base.refresh_from_db()
    return shop.base.embedding_model == LOCAL_NAME and dimensions(shop) == {384}


def dimensions(shop: Tenant) -> set[int]:
    packed = Passage.objects.filter(source__knowledge_base=shop.base)
    return {unpack([bytes(one)]).shape[1] for one in packed.values_list("embedding", flat=True)}


def collections(shop: Tenant) -> set[str]:
    found = vectors()._connected().list_collections(limit=10_000)
    return {one.name for one in found if one.name.startswith(shop.base.public_id)}


def test_a_base_answers_by_its_new_model_and_the_old_vectors_go(taught: Tenant) -> None:
    old = taught.base.collection
    change = change_model.begin(taught.base, SMALL)
    wait_until(partial(ended, change), 60)
    assert (change.state, change.error, change.progress) == ("done", "", 1.0)
    taught.base.refresh_from_db()
    assert (taught.base.embedding_model, taught.base.generation) == (SMALL, 2)
    assert dimensions(taught) == {1536}
    assert index.check(taught.base).ok
    assert finds(taught)
    wait_until(partial(cleared, change), 60)
    assert collections(taught) == {taught.base.collection} != {old}
    assert not NextVector.objects.filter(reembedding=change).exists()


def test_answers_go_on_by_the_old_model_until_the_new_one_has_everything(
    house: House, well_read: Tenant
) -> None:
    house.fake.fail(500, on="embeddings", times=10_000)
    change = change_model.begin(well_read.base, SMALL)
    house.fake.wait_until(lambda: len(house.fake.requests) >= 2, timeout=30)
    assert is_as_it_was(well_read)
    assert finds(well_read)
    house.fake.reset()
    wait_until(partial(ended, change), 120)
    assert change.state == "done"
    assert finds(well_read)


def test_what_is_added_and_deleted_meanwhile_is_right_afterwards(
    house: House, well_read: Tenant
) -> None:
    gone = well_read.learn("gone.md", "# Cloakroom\n\nCoats are hung up beside the stairs.")["id"]
    change = change_model.begin(well_read.base, SMALL)
    wait_until(partial(progress, change, 0.05), 60)
    change.refresh_from_db()
    before = change.is_working
    added = well_read.upload("new.md", "# Lost property\n\nAsk for umbrellas at desk seven.")
    sent = well_read.http.delete(f"/api/documents/{gone}", headers=well_read.bearer)
    assert sent.status_code == 204
    well_read.finished(added.json()["id"])
    wait_until(partial(ended, change), 120)
    assert before, "the change was over before anything could be added"
    assert change.state == "done"
    assert dimensions(well_read) == {1536}
    assert well_read.search("Where do I ask for my umbrella?")[0]["title"] == "Lost property"
    assert "Cloakroom" not in {hit["title"] for hit in well_read.search("Where are coats?")}
    well_read.base.refresh_from_db()
    wait_until(lambda: index.check(well_read.base).ok, 60)


def test_a_large_base_is_put_down_for_a_document_of_another_client(
    taught: Tenant, rival: Tenant
) -> None:
    """The house has one worker, which would need a good while for the change alone."""
    enlarge(taught, 4000)
    change = change_model.begin(taught.base, SMALL)
    wait_until(partial(progress, change, 0.05), 60)
    document = rival.upload("hours.txt", "We open at nine.").json()["id"]
    assert rival.finished(document)["status"] == "ready"
    assert not ended(change)
    wait_until(partial(ended, change), 180)
    assert (change.state, change.error) == ("done", "")
    assert change.turn > 1
    assert dimensions(taught) == {1536}
    assert index.check(reload(taught)).ok


def enlarge(shop: Tenant, count: int) -> None:
    """So many passages more, without the time that it takes to read them."""
    one = Passage.objects.filter(source__knowledge_base=shop.base).first()
    assert one is not None
    copies = [
        Passage(
            source=one.source,
            version=one.version,
            position=number,
            text=f"Paragraph {number} tells about item {number * 7919 % 1000} in the store.",
            start=0,
            end=1,
            terms=1,
            embedding=one.embedding,
        )
        for number in range(1000, 1000 + count)
    ]
    Passage.objects.bulk_create(copies, batch_size=500)


def test_a_killed_worker_and_a_lost_chroma_cost_nothing(house: House, well_read: Tenant) -> None:
    change = change_model.begin(well_read.base, SMALL)
    wait_until(partial(progress, change, 0.2), 60)
    house.worker.kill()
    try:
        change.refresh_from_db()
        assert change.is_working
        made = NextVector.objects.filter(reembedding=change).count()
        assert made > 0
        house.chroma.kill()
        assert is_as_it_was(well_read)
        assert finds(well_read)
    finally:
        house.worker.start()
        house.chroma.start()
    wait_until(partial(ended, change), 120)
    assert change.state == "done"
    assert dimensions(well_read) == {1536}
    well_read.base.refresh_from_db()
    wait_until(lambda: index.check(well_read.base).ok, 60)
    assert finds(well_read)


def test_vectors_that_the_next_collection_lost_are_put_in_again(
    house: House, taught: Tenant
) -> None:
    change = Reembedding.objects.create(
        knowledge_base=taught.base, embedding_model=SMALL, generation=2, lease="ours"
    )
    reembed._embed_missing(change)
    reembed._push(change)
    vectors().drop(change.collection)
    reembed._fill(change)
    assert vectors().count(change.collection) == len(FACTS)
    assert reembed._switch(change)
    assert index.check(reload(taught)).ok


def test_a_passage_stored_in_the_last_moment_keeps_the_base_from_changing(taught: Tenant) -> None:
    change = Reembedding.objects.create(
        knowledge_base=taught.base, embedding_model=SMALL, generation=2, lease="ours"
    )
    reembed._embed_missing(change)
    one = Passage.objects.filter(source__knowledge_base=taught.base).first()
    assert one is not None
    NextVector.objects.filter(reembedding=change, passage=one).delete()
    assert not reembed._switch(change)
    assert is_as_it_was(taught)
    reembed._work(change)
    assert dimensions(taught) == {1536}


def test_a_search_that_began_before_the_change_ends_after_it(taught: Tenant) -> None:
    before = taught.base
    reload(taught)
    change = change_model.begin(taught.base, SMALL)
    wait_until(partial(ended, change), 60)
    question = "When does the shop open?"
    late = retrieve.search(before, question, count=3).hits
    assert late == retrieve.search(reload(taught), question, count=3).hits
    assert late[0].title == "Opening hours"
    assert before.generation == 2


def reload(shop: Tenant) -> KnowledgeBase:
    shop.base = KnowledgeBase.objects.get(pk=shop.base.pk)
    return shop.base


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "does not accept the key"), (404, "is not known to its server")],
)
def test_a_model_that_refuses_leaves_everything_as_it_was(
    house: House, taught: Tenant, status: int, told: str
) -> None:
    house.fake.fail(status, on="embeddings", times=1000)
    change = change_model.begin(taught.base, LARGE)
    wait_until(partial(ended, change), 60)
    house.fake.reset()
    assert change.state == "failed"
    assert told in change.error
    assert "Everything stays as it was." in change.error
    assert is_as_it_was(taught)
    assert finds(taught)
    wait_until(partial(cleared, change), 60)
    assert collections(taught) == {taught.base.collection}


def test_a_cancelled_change_leaves_nothing_behind(house: House, well_read: Tenant) -> None:
    change = change_model.begin(well_read.base, SMALL)
    wait_until(partial(progress, change, 0.05), 60)
    change_model.cancel(change)
    wait_until(partial(cleared, change), 60)
    assert change.state == "cancelled"
    assert is_as_it_was(well_read)
    assert not NextVector.objects.filter(reembedding=change).exists()
    assert collections(well_read) == {well_read.base.collection}
    again = change_model.begin(well_read.base, SMALL)
    assert again.generation == 3
    wait_until(partial(ended, again), 120)
    assert again.state == "done"


@pytest.fixture
def quiet(house: House, taught: Tenant) -> Iterator[Tenant]:
    """Nobody works while this test looks."""
    house.worker.stop()
    yield taught
    house.worker.start()


def test_a_change_is_put_down_and_goes_on_from_where_it_was(quiet: Tenant, monkeypatch) -> None:
    monkeypatch.setattr(reembed, "BATCH", 1)
    monkeypatch.setattr(reembed, "FILL_BATCH", 1)
    change, seen = change_model.begin(quiet.base, SMALL), list[tuple[int, int]]()
    turn: int | None = change.turn
    for _ in range(2 * len(FACTS)):
        turn = reembed.reembed(change.pk, turn=turn, is_over=lambda: True)
        change.refresh_from_db()
        assert (change.state, change.lease, change.attempts, change.turn) == ("queued", "", 0, turn)
        made = NextVector.objects.filter(reembedding=change)
        seen.append((made.count(), made.filter(pk__lte=change.filled).count()))
    assert seen == [(1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3)]
    assert is_as_it_was(quiet)
    assert reembed.reembed(change.pk, turn=turn, is_over=lambda: True) is None
    assert ended(change)
    assert change.state == "done"
    assert index.check(reload(quiet)).ok


def test_of_several_messages_for_a_turn_one_begins_it(quiet: Tenant) -> None:
    change = change_model.begin(quiet.base, SMALL)
    following = reembed.reembed(change.pk, turn=change.turn, is_over=lambda: True)
    assert following == change.turn + 1
    assert reembed.reembed(change.pk, turn=change.turn) is None
    assert not ended(change)
    assert sweep.abandoned_changes() == []
    long_ago = timezone.now() - timedelta(seconds=settings.INGEST_LEASE_SECONDS + 1)
    Reembedding.objects.filter(pk=change.pk).update(heartbeat_at=long_ago)
    assert (change.pk, following) in sweep.abandoned_changes()
    reembed.reembed(change.pk, turn=following)
    assert ended(change)


on_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="on SQLite only one process writes at a time"
)


@on_postgres
def test_passages_may_be_deleted_while_their_new_vectors_are_stored(quiet: Tenant) -> None:
    change = change_of(quiet)
    everything = Passage.objects.filter(source__knowledge_base=quiet.base)
    one = everything.values_list("pk", flat=True)[0]
    with ThreadPoolExecutor(1) as elsewhere:
        with transaction.atomic():
            reembed._embed_missing(change)
            deleting = elsewhere.submit(alone, Passage.objects.filter(pk=one).delete)
            wait_until(somebody_is_kept_waiting, 10)
        deleting.result(10)
    assert everything.count() == NextVector.objects.filter(reembedding=change).count() == 2
    assert reembed._switch(change)


@on_postgres
def test_documents_come_in_while_a_base_changes_over(quiet: Tenant) -> None:
    change = change_of(quiet)
    reembed._embed_missing(change)
    with transaction.atomic():
        assert reembed._switch(change)
        assert quiet.upload("new.md", "# Lost property").status_code == 201


def change_of(shop: Tenant) -> Reembedding:
    return Reembedding.objects.create(
        knowledge_base=shop.base, embedding_model=SMALL, generation=2, lease="ours"
    )


def alone(call: Callable[[], object]) -> None:
    """In a thread of its own, with a connection of its own."""
    try:
        call()
    finally:
        connection.close()


def somebody_is_kept_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_one_base_has_one_change_at_a_time(quiet: Tenant) -> None:
    for model, code in (("hosted:unheard-of", "unknown_model"), (LOCAL_NAME, "same_model")):
        with pytest.raises(Conflict) as refused:
            change_model.begin(quiet.base, model)
        assert refused.value.code == code
    change = change_model.begin(quiet.base, SMALL)
    with pytest.raises(Conflict, match="going on"):
        change_model.begin(quiet.base, LARGE)
    change_model.cancel(change)
    with pytest.raises(Conflict, match="come to its end"):
        change_model.cancel(change)
