"""A knowledge base moves to another Chroma server: answers go on, nothing is lost or doubled."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse, reverse_lazy

from accounts.audit import Action
from accounts.models import AuditEvent, User
from chatbot_saas.lib.errors import Conflict
from knowledge import (
    change_model,
    healing,
    index,
    indexing,
    ingest,
    left_behind,
    moving,
    removal,
    retrieve,
)
from knowledge.embedding import unpack
from knowledge.models import IndexServer, KnowledgeBase, LeftCollection, Passage, Source
from knowledge.vectors import VectorsDown, vectors
from tests.house import House, Tenant
from tests.knowledge.long_source import long_source
from tests.knowledge.test_kills import Sender
from tests.services.django import manage
from tests.services.waiting import wait_until

FACTS = {
    "hours.md": "# Opening hours\n\nThe shop opens at nine and closes at six.",
    "returns.md": "# Returns\n\nYou may send goods back within sixty days of delivery.",
    "parking.md": "# Parking\n\nThere are twenty spaces for cars behind the building.",
}
ROOMS = 200
LONG = "\n\n".join(
    f"## Room {number}\n\n" + f"The swimming pool of room {number} opens in the morning. " * 16
    for number in range(ROOMS)
)
FILES = 60
MOVES = 8


@pytest.fixture
def shop(house: House, shop: Tenant, settings) -> Tenant:
    """Of an installation with two servers; it lies on the usual one."""
    settings.CHROMA_SHARDS = {"fragile": house.fragile.url}
    wait_until(lambda: not IndexServer.objects.down().filter(shard="fragile").exists(), 30)
    return shop


@pytest.fixture
def taught(shop: Tenant) -> Tenant:
    for name, text in FACTS.items():
        shop.learn(name, text)
    return shop


def move(shop: Tenant, shard: str) -> None:
    moving.move(shop.base, shard)
    shop.base.refresh_from_db()


def is_whole(shop: Tenant) -> bool:
    shop.base.refresh_from_db()
    return shop.base.index_checked_at is not None and index.check(shop.base).ok


def collections(shop: Tenant, shard: str) -> set[str]:
    found = vectors(shard)._connected().list_collections(limit=10_000)
    return {one.name for one in found if one.name.startswith(shop.base.public_id)}


def lies_only_on(shop: Tenant, shard: str) -> bool:
    """Everything is where it should be, and nothing is left anywhere else."""
    shop.base.refresh_from_db()
    other = "" if shard else "fragile"
    return collections(shop, shard) == {shop.base.collection} and not collections(shop, other)


def everything_is_in(shop: Tenant) -> bool:
    """Each passage once, as one of all that there are."""
    own = Passage.objects.filter(source__knowledge_base=shop.base).values_list("pk", flat=True)
    held = vectors(shop.base.shard)._collection(shop.base.collection).get(include=[])["ids"]
    return sorted(map(int, held)) == sorted(own)


def finds(shop: Tenant, question: str, title: str) -> bool:
    return bool(shop.search(question)[0]["title"] == title)


def test_a_base_answers_all_the_time_while_it_moves(taught: Tenant) -> None:
    move(taught, "fragile")
    assert finds(taught, "When does the shop open?", "Opening hours")
    # Also by meaning alone.
    assert retrieve.search(taught.base, "vehicle", count=1).hits[0].title == "Parking"
    wait_until(lambda: is_whole(taught), 60)
    assert everything_is_in(taught)
    assert taught.base.index_problem == ""
    assert finds(taught, "Where can I leave my car?", "Parking")
    wait_until(lambda: lies_only_on(taught, "fragile"), 60)
    assert not LeftCollection.objects.filter(knowledge_base=taught.base).exists()


def test_what_comes_after_the_move_goes_to_the_new_server(taught: Tenant) -> None:
    move(taught, "fragile")
    wait_until(lambda: is_whole(taught), 60)
    taught.learn("gifts.md", "# Gifts\n\nWe wrap presents for two euros.")
    assert everything_is_in(taught)
    assert finds(taught, "Do you wrap presents?", "Gifts")


def test_it_may_come_back_before_anything_was_dropped(taught: Tenant) -> None:
    for shard in ("fragile", "", "fragile", ""):
        move(taught, shard)
    wait_until(lambda: is_whole(taught), 60)
    wait_until(lambda: lies_only_on(taught, ""), 60)
    assert everything_is_in(taught)
    assert is_whole(taught)  # also after everything that it left is gone


def test_until_it_is_filled_in_staff_see_why(taught: Tenant, house: House) -> None:
    house.worker.stop()
    try:
        move(taught, "fragile")
        assert taught.base.index_problem == KnowledgeBase.MOVED
        assert house.http.get("/readyz").json()["index"] != "whole"
    finally:
        house.worker.start()
    wait_until(lambda: is_whole(taught), 60)
    assert taught.base.index_problem == ""


# --- While a document is read ----------------------------------------------------------------


@pytest.fixture
def long(taught: Tenant) -> Iterator[Source]:
    """A long document that is ours to read."""
    source = long_source(taught.base, LONG)
    yield source
    removal.remove(source)


def after_batches(steps: dict[int, Callable[[], None]]) -> Callable[[], bool]:
    """What to ask after each batch; after those with these numbers something happens."""
    batches = 0

    def is_over() -> bool:
        nonlocal batches
        batches += 1
        if batches in steps:
            steps.pop(batches)()
        return False

    return is_over


@pytest.mark.parametrize(
    "places",
    [{3: "fragile"}, {2: "fragile", 4: ""}, {2: "fragile", 3: "", 5: "fragile"}],
    ids=["there", "there and back", "there, back and there"],
)
def test_a_document_that_is_read_meanwhile_lacks_nothing(
    taught: Tenant, house: House, long: Source, places: dict[int, str]
) -> None:
    steps: dict[int, Callable[[], None]] = {
        batch: partial(moving.move, taught.base, place) for batch, place in places.items()
    }
    house.worker.stop()  # it would take over what is slow here
    try:
        ingest.run([long], is_over=after_batches(steps))
    finally:
        house.worker.start()
    assert not steps
    long.refresh_from_db()
    assert (long.state, long.passages.count()) == (Source.State.READY, ROOMS)
    wait_until(lambda: is_whole(taught), 60)
    assert everything_is_in(taught)
    last = list(places.values())[-1]
    wait_until(lambda: lies_only_on(taught, last), 60)
    assert everything_is_in(taught)


def test_files_that_come_in_while_it_moves_are_neither_lost_nor_doubled(shop: Tenant) -> None:
    rng = random.Random(7)
    texts = {f"rule-{n}.txt": f"Rule {n} of the house. " * 60 for n in range(FILES)}
    sender = Sender(shop, texts)
    with sender.sending():
        for _ in range(MOVES):
            time.sleep(rng.uniform(0.1, 1.0))
            shop.base.refresh_from_db()
            move(shop, "" if shop.base.shard else "fragile")
    own = Source.objects.for_client(shop.client)
    wait_until(lambda: own.filter(state=Source.State.READY).count() == FILES, 120)
    wait_until(lambda: is_whole(shop), 60)
    assert everything_is_in(shop)
    assert shop.base.live_passages == Passage.objects.live().filter(source__in=own).count()
    wait_until(lambda: lies_only_on(shop, shop.base.shard), 60)
    assert everything_is_in(shop)


def test_an_index_that_is_being_made_anew_is_left_when_the_base_moves(taught: Tenant) -> None:
    old = KnowledgeBase.objects.get(pk=taught.base.pk)
    with pytest.raises(VectorsDown, match="elsewhere"):
        index.rebuild(old, beat=partial(moving.move, taught.base, "fragile"))
    wait_until(lambda: is_whole(taught), 60)
    wait_until(lambda: lies_only_on(taught, "fragile"), 60)
    assert everything_is_in(taught)


@pytest.fixture
def idle(house: House) -> Iterator[None]:
    """The worker fills nothing in meanwhile."""
    house.worker.stop()
    yield
    house.worker.start()


def test_a_source_that_is_being_pushed_is_left_when_the_base_moves(
    taught: Tenant, idle: None
) -> None:
    source = Source.objects.filter(knowledge_base=taught.base)[0]
    to_move = partial(moving.move, taught.base, "fragile")
    assert not indexing.push_passages(source, source.passages.all(), beat=to_move)


def test_healing_that_looked_at_the_old_place_says_nothing_of_the_new_one(
    taught: Tenant, idle: None
) -> None:
    """The base moves when it has found everything whole, and asks what was published since."""
    moves = [partial(moving.move, taught.base, "fragile")]

    def move_in_between(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if "ready_at" in sql.partition("WHERE")[2] and moves:
            moves.pop()()
        return execute(sql, *rest)

    KnowledgeBase.objects.filter(pk=taught.base.pk).update(healing_until=None)
    with connection.execute_wrapper(move_in_between):
        healing.heal(taught.base)
    assert not moves
    taught.base.refresh_from_db()
    assert (taught.base.shard, taught.base.index_checked_at) == ("fragile", None)
    assert taught.base.index_problem == KnowledgeBase.MOVED
    healing.heal(taught.base)
    assert is_whole(taught)
    assert everything_is_in(taught)


def test_what_is_there_by_chance_is_not_taken_for_all(taught: Tenant, idle: None) -> None:
    """Of two passages of the same words each is found by the other's vector, and another vector
    makes the number right."""
    one = Passage.objects.filter(source__knowledge_base=taught.base)[0]
    others = Source.objects.filter(knowledge_base=taught.base).exclude(pk=one.source_id)
    for passage in Passage.objects.filter(source__in=others):
        passage.embedding = one.embedding
        passage.save(update_fields=["embedding"])
    move(taught, "fragile")
    vector = unpack([bytes(one.embedding)] * len(FACTS))
    strangers = range(10**9, 10**9 + len(FACTS) - 1)
    vectors("fragile").add(taught.base.collection, [one.pk, *strangers], vector)
    assert index.check(taught.base).ok
    healing.heal(taught.base)
    assert is_whole(taught)
    assert everything_is_in(taught)


def test_whoever_knew_it_as_it_was_takes_vectors_out_where_it_is(taught: Tenant) -> None:
    old = KnowledgeBase.objects.get(pk=taught.base.pk)
    move(taught, "fragile")
    wait_until(lambda: is_whole(taught), 60)
    wait_until(lambda: lies_only_on(taught, "fragile"), 60)
    passages = Passage.objects.filter(source__knowledge_base=taught.base)
    removal.forget_vectors(old, [passages[0].pk])
    assert vectors("fragile").count(taught.base.collection) == len(FACTS) - 1
    assert lies_only_on(taught, "fragile")


# --- When a server is away -------------------------------------------------------------------


def test_a_base_can_leave_a_server_that_is_down(taught: Tenant, house: House) -> None:
    move(taught, "fragile")
    wait_until(lambda: is_whole(taught), 60)
    house.fragile.kill()
    try:
        wait_until(lambda: IndexServer.objects.down().filter(shard="fragile").exists(), 30)
        move(taught, "")
        wait_until(lambda: is_whole(taught), 60)
        assert everything_is_in(taught)
        # It is not forgotten that something lies there.
        assert LeftCollection.objects.filter(knowledge_base=taught.base, shard="fragile").exists()
    finally:
        house.fragile.start()
    wait_until(lambda: lies_only_on(taught, ""), 60)
    assert not LeftCollection.objects.filter(knowledge_base=taught.base).exists()


def test_what_it_left_goes_with_a_deleted_base(taught: Tenant) -> None:
    """Before the sweep comes, too."""
    old = taught.base.collection
    move(taught, "fragile")
    left_behind.drop_of(taught.base)
    assert old not in collections(taught, "")
    left_behind.drop_of(taught.base)
    vectors().drop(old)


# --- What is refused -------------------------------------------------------------------------


def refusal(base: KnowledgeBase, shard: str) -> str:
    before = KnowledgeBase.objects.filter(pk=base.pk).values().get()
    with pytest.raises(Conflict) as refused:
        moving.move(base, shard)
    assert KnowledgeBase.objects.filter(pk=base.pk).values().get() == before
    assert not LeftCollection.objects.filter(knowledge_base=base).exists()
    return str(refused.value.code)


def test_only_a_server_that_is_there_and_another_one_can_be_moved_to(shop: Tenant) -> None:
    assert refusal(shop.base, "unheard-of") == "unknown_server"
    assert refusal(shop.base, "") == "same_server"


def test_nobody_is_moved_to_a_server_that_is_down(shop: Tenant, settings) -> None:
    settings.CHROMA_SHARDS = {"gone": "http://127.0.0.1:9"}
    IndexServer.objects.create(shard="gone", is_down=True)
    try:
        assert refusal(shop.base, "gone") == "server_down"
    finally:
        IndexServer.objects.filter(shard="gone").delete()


def test_during_a_change_of_model_it_stays(shop: Tenant, house: House, settings) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-fake", house.fake.url
    change = change_model.begin(shop.base, "hosted:text-embedding-3-small")
    if not change.is_working:
        pytest.fail("it was too quick")
    assert refusal(shop.base, "fragile") == "busy"
    change_model.cancel(change)


# --- Who moves it ----------------------------------------------------------------------------


@pytest.fixture
def staff(shop: Tenant) -> User:
    return User.objects.get_or_create(email="moving@staff.example", is_staff=True)[0]


def may_change(person: User) -> Browser:
    person.user_permissions.set(
        Permission.objects.filter(codename__in=["view_knowledgebase", "change_knowledgebase"])
    )
    return signed_in(person)


def signed_in(person: User) -> Browser:
    browser = Browser()
    browser.force_login(person)
    return browser


BASES = reverse_lazy("admin:knowledge_knowledgebase_changelist")


def listed(browser: Browser, shard: str) -> str:
    """The list of the bases on this server."""
    page = browser.get(BASES, {"server": f"={shard}"})
    assert page.status_code == 200
    return page.content.decode()


def choose(browser: Browser, shop: Tenant, shard: str) -> str:
    """What the list says after somebody chose to move it there."""
    chosen = {"action": f"move_to_{shard}", "_selected_action": [shop.base.pk]}
    page = browser.post(BASES, chosen, follow=True)
    assert page.status_code == 200
    shop.base.refresh_from_db()
    return page.content.decode()


def test_staff_move_a_base_by_an_action(taught: Tenant, staff: User) -> None:
    desk = may_change(staff)
    page = desk.get(BASES).content.decode()
    for place in ("the usual one", "fragile"):
        assert f"Move to the index server: {place}" in page
    assert "moved. It is filled in there" in choose(desk, taught, "fragile")
    assert taught.base.shard == "fragile"
    noted = AuditEvent.objects.get(client=taught.client, action=Action.INDEX_MOVED)
    assert noted.target == taught.base.name
    assert "lies on this server already" in choose(desk, taught, "fragile")
    assert AuditEvent.objects.filter(client=taught.client, action=Action.INDEX_MOVED).count() == 1
    own = reverse("admin:knowledge_knowledgebase_change", args=[taught.base.pk])
    assert own in listed(desk, "fragile")
    assert own not in listed(desk, "")
    wait_until(lambda: is_whole(taught), 60)
    choose(desk, taught, "")
    assert taught.base.shard == ""


def test_a_server_that_is_not_configured_is_no_choice(shop: Tenant, staff: User) -> None:
    assert "moved. It is" not in choose(may_change(staff), shop, "unheard-of")
    assert (shop.base.shard, shop.base.generation) == ("", 1)


def test_with_one_server_there_is_nothing_to_choose(shop: Tenant, staff: User, settings) -> None:
    settings.CHROMA_SHARDS = {}
    assert "Move to the index server" not in may_change(staff).get(BASES).content.decode()


def test_staff_who_may_only_look_move_nothing(shop: Tenant, staff: User) -> None:
    staff.user_permissions.set(Permission.objects.filter(codename="view_knowledgebase"))
    desk = signed_in(staff)
    assert "Move to the index server" not in desk.get(BASES).content.decode()
    choose(desk, shop, "fragile")
    assert shop.base.shard == ""


def test_the_terminal_lists_servers_and_moves(taught: Tenant, house: House) -> None:
    listed = manage("move_index", env=house.env).stdout
    assert re.search(r"^server '': \d+ passages, \d+ knowledge bases$", listed, re.M)
    assert re.search(r"^server 'fragile': ", listed, re.M)
    one = ("--base", taught.base.public_id)
    said = manage("move_index", *one, "--to", "fragile", env=house.env).stdout
    assert f"{taught.base.public_id} to 'fragile'" in said
    wait_until(lambda: is_whole(taught), 60)
    assert taught.base.shard == "fragile"
    again = manage("move_index", *one, "--to", "fragile", env=house.env).stdout
    assert "already" in again
    mine = ("--client", taught.client.public_id, "--from", "fragile")
    manage("move_index", *mine, "--to", "", env=house.env)
    taught.base.refresh_from_db()
    assert taught.base.shard == ""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--client", "cli_x", "--to", "unheard-of"), "names no server “unheard-of”"),
        (("--to", "fragile"), "Say which"),
    ],
)
def test_the_terminal_says_what_is_wrong(
    house: House, arguments: tuple[str, ...], reason: str
) -> None:
    failed = manage("move_index", *arguments, env=house.env, check=False)
    assert failed.returncode == 1
    assert reason in failed.stderr
