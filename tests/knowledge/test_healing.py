"""A vector index that was lost or damaged heals by itself, and answers come meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from knowledge import healing, index, ingest, jobs, removal, retrieve, tasks
from knowledge.embedding import unpack
from knowledge.models import IndexServer, KnowledgeBase, Passage, Source
from knowledge.vectors import CollectionBroken, vectors
from tests.house import House, Tenant
from tests.knowledge.long_source import long_source
from tests.services.chroma import Chroma
from tests.services.django import manage
from tests.services.waiting import wait_until

WITH_PROBLEM = "?index_problem__isempty=0"
LONG_AGO = datetime.min.replace(tzinfo=UTC)
FACTS = {
    "hours.md": "# Opening hours\n\nThe shop opens at nine and closes at six.",
    "returns.md": "# Returns\n\nYou may send goods back within sixty days of delivery.",
    "parking.md": "# Parking\n\nThere are twenty spaces for cars behind the building.",
}


@pytest.fixture
def taught(house: House, shop: Tenant, settings) -> Tenant:
    """A shop on a Chroma of its own, which these tests may lose."""
    settings.CHROMA_SHARDS = {"fragile": house.fragile.url}
    shop.base.shard = "fragile"
    shop.base.save(update_fields=["shard"])
    for name, text in FACTS.items():
        shop.learn(name, text)
    wait_until(lambda: is_whole(shop), 30)
    return shop


def is_whole(shop: Tenant) -> bool:
    """Found whole by a look that nobody here asked for."""
    shop.base.refresh_from_db()
    return shop.base.index_checked_at is not None and index.check(shop.base).ok


def checked_at(shop: Tenant) -> datetime:
    found = shop.base.index_checked_at
    assert found is not None
    return found


def ready(house: House) -> dict[str, object]:
    return dict(house.http.get("/readyz").json())


def test_a_lost_disk_heals_by_itself_while_answers_go_on(house: House, taught: Tenant) -> None:
    """The predecessor lost all vectors with a redeploy."""
    before = checked_at(taught)
    house.fragile.wipe()
    assert taught.search("When does the shop open?")[0]["title"] == "Opening hours"
    wait_until(lambda: is_whole(taught) and checked_at(taught) > before, 60)
    assert taught.search("Where can I leave my car?")[0]["title"] == "Parking"


@pytest.fixture
def small(shop: Tenant, settings) -> Iterator[Tenant]:
    """A shop on a Chroma with room for five collections, which forgot this one's.

    Only this process knows of it: to the worker its shard is the usual one.
    """
    for name, text in FACTS.items():
        shop.learn(name, text)
    with Chroma(open_collections=5) as chroma:
        settings.CHROMA_SHARDS = {"small": chroma.url}
        shop.base.shard = "small"
        shop.base.save(update_fields=["shard"])
        index.rebuild(shop.base)
        assert index.check(shop.base).ok
        assert is_forgotten(shop.base)
        shop.base.refresh_from_db()
        yield shop


def is_forgotten(base: KnowledgeBase) -> bool:
    """Whether it is, after many others were opened; which ones Chroma closes is its own affair."""
    vector = unpack([bytes(Passage.objects.filter(source__knowledge_base=base)[0].embedding)])
    for number in range(300):
        vectors("small").add(f"other-{number}", [1], vector)
        vectors("small").nearest(f"other-{number}", vector[0], 1)
        if number % 20 == 19:
            try:
                vectors("small").nearest(base.collection, vector[0], 1)
            except CollectionBroken:
                return True
    return False


def test_a_collection_that_chroma_forgot_is_made_anew(small: Tenant) -> None:
    assert not index.check(small.base).ok
    KnowledgeBase.objects.filter(pk=small.base.pk).update(index_checked_at=None)
    healing.heal(small.base)
    small.base.refresh_from_db()
    assert small.base.index_checked_at is not None
    assert index.check(small.base).ok


def test_a_collection_that_chroma_forgot_is_searched_in_the_database(small: Tenant) -> None:
    """Also where a passage shares no word with the question."""
    found = retrieve.search(small.base, "vehicle", count=1).hits
    assert [hit.title for hit in found] == ["Parking"]
    assert found[0].cosine_rank == 1


def test_after_an_unclean_stop_everything_is_looked_at_again(house: House, taught: Tenant) -> None:
    before = checked_at(taught)
    house.fragile.kill()
    try:
        wait_until(lambda: ready(house)["chroma"] == "down", 20)
        wait_until(lambda: IndexServer.objects.get(shard="fragile").is_down, 30)
    finally:
        house.fragile.start()
    wait_until(lambda: is_whole(taught) and checked_at(taught) > before, 60)
    assert not IndexServer.objects.get(shard="fragile").is_down


@pytest.fixture
def quiet(house: House, taught: Tenant) -> Iterator[House]:
    """No sweep comes but those that a test asks for."""
    house.scheduler.stop()
    before = checked_at(taught)
    tasks.check_all_indexes.delay()  # comes after the sweeps that were on their way
    wait_until(lambda: not is_whole(taught) or checked_at(taught) > before, 60)
    sweep()
    wait_until(lambda: is_whole(taught), 60)
    yield house
    house.scheduler.start()


def sweep() -> None:
    """Have the worker look at its servers once."""
    before = timezone.now()
    tasks.sweep_sources.delay()
    wait_until(lambda: seen_at() > before, 30)


def seen_at() -> datetime:
    return IndexServer.objects.values_list("seen_at", flat=True).get(shard="fragile") or LONG_AGO


def lose_some(shop: Tenant) -> None:
    """Behind everybody's back."""
    own = Passage.objects.filter(source__knowledge_base=shop.base)
    vectors("fragile").remove(shop.base.collection, list(own.values_list("pk", flat=True)[:2]))
    assert not index.check(shop.base).ok


def test_a_stop_that_is_shorter_than_a_sweep_is_noticed(taught: Tenant, quiet: House) -> None:
    for _ in range(3):
        sweep()
    before = checked_at(taught)
    lose_some(taught)
    sweep()
    assert not is_whole(taught)
    assert checked_at(taught) == before  # a server that runs on is left alone
    quiet.fragile.kill()
    quiet.fragile.start()
    assert not IndexServer.objects.get(shard="fragile").is_down
    sweep()
    wait_until(lambda: is_whole(taught) and checked_at(taught) > before, 60)


def test_a_stop_of_worker_and_chroma_at_once_is_noticed(taught: Tenant, quiet: House) -> None:
    """As by a power cut: nobody is left whose connection would tell."""
    before = checked_at(taught)
    lose_some(taught)
    quiet.worker.kill()
    quiet.fragile.kill()
    quiet.fragile.start()
    quiet.worker.start()
    nobody_has_looked_for_an_hour()
    sweep()
    wait_until(lambda: is_whole(taught) and checked_at(taught) > before, 60)


def test_a_new_worker_leaves_it_to_the_others_to_know(taught: Tenant, quiet: House) -> None:
    """Nothing is checked whenever one starts; unless nobody knows."""
    before, seen = checked_at(taught), seen_at()
    look_as_a_new_worker(quiet)
    taught.base.refresh_from_db()
    assert (checked_at(taught), seen_at()) == (before, seen)
    nobody_has_looked_for_an_hour()
    look_as_a_new_worker(quiet)
    taught.base.refresh_from_db()
    assert taught.base.index_checked_at is None


def look_as_a_new_worker(house: House) -> None:
    look = "from knowledge import healing; healing.look_at_servers()"
    manage("shell", "--command", look, env=house.env)


def nobody_has_looked_for_an_hour() -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    IndexServer.objects.filter(shard="fragile").update(seen_at=hour_ago)


def test_what_was_damaged_without_a_trace_is_found_at_night(house: House, taught: Tenant) -> None:
    ids = list(
        Passage.objects.filter(source__knowledge_base=taught.base).values_list("pk", flat=True)
    )
    vectors("fragile").remove(taught.base.collection, ids[:2])
    assert not index.check(taught.base).ok
    tasks.check_all_indexes.delay()
    wait_until(lambda: is_whole(taught), 60)
    assert taught.base.index_problem == ""


def test_vectors_of_nobody_are_taken_out(house: House, taught: Tenant) -> None:
    """As after a deletion while Chroma was down."""
    one = Passage.objects.filter(source__knowledge_base=taught.base).first()
    assert one is not None
    vector = unpack([bytes(one.embedding)])
    vectors("fragile").add(taught.base.collection, [10**9], vector)
    assert not index.check(taught.base).ok
    healing.doubt(KnowledgeBase.objects.filter(pk=taught.base.pk))
    wait_until(lambda: is_whole(taught), 60)


def test_what_is_wrong_shows_in_readyz_and_the_admin(house: House, taught: Tenant) -> None:
    wait_until(lambda: ready(house)["index"] == "whole", 60)
    same = KnowledgeBase.objects.filter(pk=taught.base.pk)
    house.fragile.kill()
    try:
        wait_until(lambda: IndexServer.objects.get(shard="fragile").is_down, 30)
        healing.doubt(same)
        # Other bases may be in doubt as well: it is said of all together.
        assert re.fullmatch(r"0 broken, [1-9]\d* unchecked", str(ready(house)["index"]))
        same.update(index_problem="2 of 3 there, 3 found")
        assert re.fullmatch(r"1 broken, [1-9]\d* unchecked", str(ready(house)["index"]))
        page = broken_for_staff(taught)
        assert taught.client.name in page
        assert "2 of 3 there, 3 found" in page
    finally:
        house.fragile.start()
    wait_until(lambda: ready(house)["index"] == "whole", 60)
    assert taught.client.name not in broken_for_staff(taught)


def broken_for_staff(shop: Tenant) -> str:
    """The staff's list of knowledge bases with a problem."""
    email = "index@staff.example"
    staff, _ = User.objects.get_or_create(email=email, is_staff=True, is_superuser=True)
    with shop.dashboard(staff) as desk:
        page = desk.get(f"{reverse('admin:knowledge_knowledgebase_changelist')}{WITH_PROBLEM}")
    assert page.status_code == 200
    return page.text


ROOMS = 200
LONG = "\n\n".join(
    f"## Room {number}\n\n" + f"The swimming pool of room {number} opens in the morning. " * 16
    for number in range(ROOMS)
)


@pytest.fixture
def put_down(taught: Tenant, quiet: House) -> Iterator[Source]:
    """A long document, a part of it read and in the index, that waits for its next turn; nobody
    wakes the worker of the house for it."""
    source = long_source(taught.base, LONG)
    ingest.run([source], is_over=lambda: True)
    source.refresh_from_db()
    assert (source.state, source.error) == (Source.State.QUEUED, "")
    assert 0 < source.pushed <= source.passages.count() < ROOMS
    yield source
    removal.remove(source)


def go_on_with(source: Source, *, is_over: Callable[[], bool] = lambda: False) -> None:
    claimed = jobs.claim(source.pk)
    assert claimed is not None
    ingest.run([claimed], is_over=is_over)
    source.refresh_from_db()
    assert source.state == Source.State.READY


def everything_is_in(shop: Tenant) -> bool:
    own = Passage.objects.filter(source__knowledge_base=shop.base).values_list("pk", flat=True)
    there = vectors("fragile")._collection(shop.base.collection).get(include=[])["ids"]
    return sorted(map(int, there)) == sorted(own)


def lose_what_is_coming(shop: Tenant, source: Source) -> None:
    """What came in last, as a server may that had no time to write it."""
    ids = list(source.passages.order_by("-position").values_list("pk", flat=True)[:9])
    vectors("fragile").remove(shop.base.collection, ids)


def lose_all(shop: Tenant, _: Source) -> None:
    vectors("fragile").drop(shop.base.collection)


def make_anew(shop: Tenant, _: Source) -> None:
    index.rebuild(shop.base)


@pytest.mark.parametrize("happens", [lose_what_is_coming, lose_all, make_anew])
def test_a_document_that_was_put_down_lacks_nothing_in_the_end(
    taught: Tenant, put_down: Source, happens: Callable[[Tenant, Source], None]
) -> None:
    """It goes on where it stopped, and counts on what it has put in before."""
    happens(taught, put_down)
    healing.doubt(KnowledgeBase.objects.filter(pk=taught.base.pk))
    healing.heal(taught.base)
    assert is_whole(taught)
    go_on_with(put_down)
    assert everything_is_in(taught)


def test_an_index_made_anew_while_a_document_is_read_lacks_nothing(
    taught: Tenant, put_down: Source
) -> None:
    with ThreadPoolExecutor(1) as pool:
        rebuilds = list[Future[None]]()

        def rebuild() -> None:
            try:
                index.rebuild(taught.base)
            finally:
                connections.close_all()

        def begin() -> bool:
            rebuilds.append(pool.submit(rebuild))
            return False

        go_on_with(put_down, is_over=begin)
    assert rebuilds
    assert [one.result() for one in rebuilds] == [None] * len(rebuilds)
    assert everything_is_in(taught)


def test_while_something_is_added_nothing_is_taken_for_damage(taught: Tenant) -> None:
    same = KnowledgeBase.objects.filter(pk=taught.base.pk)
    busy = Source.objects.create(
        knowledge_base=taught.base,
        title="Busy",
        format="text",
        sha256="b" * 64,
        state=Source.State.EMBEDDING,
        lease="somebody",
        heartbeat_at=timezone.now() + timedelta(minutes=5),
    )
    healing.doubt(same)
    assert not healing.doubted().filter(pk=taught.base.pk).exists()
    busy.delete()


def test_without_chroma_a_doubtful_index_stays_doubtful(taught: Tenant, settings) -> None:
    settings.CHROMA_SHARDS = {"fragile": "http://127.0.0.1:9"}
    taught.base.index_checked_at = None
    before = KnowledgeBase.objects.filter(pk=taught.base.pk).values_list("index_checked_at")
    old = before.get()
    healing.heal(taught.base)
    assert before.get() == old


def test_a_base_lies_on_the_server_that_its_shard_names(settings) -> None:
    settings.CHROMA_SHARDS = {"east": "http://127.0.0.1:9"}
    assert vectors("east").url == "http://127.0.0.1:9"
    assert vectors().url == settings.CHROMA_URL
    assert vectors("of a server that is no more").url == settings.CHROMA_URL
