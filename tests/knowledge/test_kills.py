"""SIGKILL at random moments: two hundred files go in, nothing is lost and nothing stands twice.

KILL_ROUNDS=20 repeats it so often; the seed of each round is its number.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from knowledge import index
from knowledge.models import Passage, Source
from knowledge.vectors import VectorsDown, vectors
from tests.house import House, Tenant
from tests.knowledge.postings import indexed_passages
from tests.services.django import Worker
from tests.services.process import Service
from tests.services.waiting import wait_until

ROUNDS = int(os.environ.get("KILL_ROUNDS", "1"))
FILES = 200
LEAST_KILLS = 6


@dataclass
class Sender:
    """A client's program that sends files and tries again until each is taken."""

    tenant: Tenant
    files: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)
    tries: int = 0

    def run(self) -> None:
        for name, text in self.files.items():
            while name not in self.ids:
                self.tries += 1
                try:
                    answer = self.tenant.upload(name, text)
                except httpx.HTTPError:
                    time.sleep(0.1)
                    continue
                if answer.status_code in {200, 201}:
                    self.ids[name] = answer.json()["id"]

    @contextmanager
    def sending(self) -> Iterator[threading.Thread]:
        thread = threading.Thread(target=self.run)
        thread.start()
        yield thread
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def second(house: House) -> Iterator[Worker]:
    """Another worker: two can be killed, and work at the same time."""
    with Worker(house.worker.env) as worker:
        yield worker


@pytest.fixture
def killable(house: House, second: Worker) -> Iterator[list[Service]]:
    services: list[Service] = [house.worker, second, house.fragile, house.web]
    yield services
    for service in services:
        service.start()


@pytest.fixture
def client(house: House, shop: Tenant, settings) -> Tenant:
    settings.CHROMA_SHARDS = {"fragile": house.fragile.url}
    shop.base.shard = "fragile"
    shop.base.save(update_fields=["shard"])
    return shop


def texts(rng: random.Random) -> dict[str, str]:
    def text(number: int) -> str:
        lines = rng.choice([1, 1, 2, 5])
        return "\n\n".join(f"Rule {number}.{n} of the house. " * 25 for n in range(lines))

    return {f"rule-{number}.txt": text(number) for number in range(FILES)}


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_kills_at_random_moments_lose_nothing_and_double_nothing(
    client: Tenant, killable: list[Service], seed: int
) -> None:
    rng = random.Random(seed)
    sender = Sender(client, texts(rng))
    kills = 0
    with sender.sending() as thread:
        while thread.is_alive() or unfinished(client) or kills < LEAST_KILLS:
            time.sleep(rng.uniform(0.2, 3.0))
            victim = rng.choice(killable)
            victim.kill()
            kills += 1
            time.sleep(rng.choice([0, 0, 1.0]))
            victim.start()
            if kills > LEAST_KILLS * 5:
                break
    wait_until(lambda: not unfinished(client), 120)
    print(f"round {seed}: {kills} kills, {sender.tries} tries for {FILES} files")
    nothing_is_lost_or_doubled(client, sender)


def unfinished(client: Tenant) -> bool:
    return Source.objects.for_client(client.client).unfinished().exists()


def nothing_is_lost_or_doubled(client: Tenant, sender: Sender) -> None:
    sources = Source.objects.for_client(client.client)
    assert sorted(sources.values_list("public_id", flat=True)) == sorted(sender.ids.values())
    assert set(sources.values_list("state", flat=True)) == {Source.State.READY}
    for source in sources:
        passages = list(source.passages.order_by("position"))
        assert [one.position for one in passages] == list(range(len(passages)))
        assert {one.version for one in passages} == {source.live_version}
        read = " ".join(one.text for one in passages).split()
        assert read == sender.files[f"{source.title}.txt"].split()
    base = client.base
    base.refresh_from_db()
    live = Passage.objects.live().filter(source__knowledge_base=base)
    assert base.live_passages == live.count()
    assert base.live_terms == sum(live.values_list("terms", flat=True))
    assert indexed_passages(base) == set(live.values_list("pk", flat=True))
    # The index was killed in the middle of writing: it is made anew if that broke it.
    wait_until(lambda: is_whole(client), 60)
    assert client.search("rule 77.0 of the house", k=1)


def is_whole(client: Tenant) -> bool:
    client.base.refresh_from_db()
    try:
        health = index.check(client.base)
        stored = vectors("fragile").count(client.base.collection)
    except VectorsDown:
        return False  # what the kill broke is not found and healed yet
    return health.ok and stored == client.base.live_passages
