"""One message for many sources that come at once, and each is taken up all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Client
from knowledge import tasks, turns, waking
from knowledge.models import KnowledgeBase, Source
from tests.house import House, Tenant
from tests.services.waiting import wait_until


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent = list[str]()
    monkeypatch.setattr(tasks.ingest_next, "delay", lambda: sent.append("wake"))
    return sent


@pytest.fixture
def base() -> KnowledgeBase:
    client = Client.objects.create(name="one")
    return KnowledgeBase.objects.create(client=client, name="Help", embedding_model="m")


def queued(base: KnowledgeBase, name: str, seconds: float = 0, **values: object) -> Source:
    """Since so many seconds ago."""
    given = {"format": "pdf", "bytes": 10, "title": name, "sha256": name, **values}
    source = Source.objects.create(knowledge_base=base, **given)
    source.heartbeat_at = timezone.now() - timedelta(seconds=seconds)
    source.save(update_fields=["heartbeat_at"])
    return source


@pytest.mark.django_db
def test_of_those_that_come_at_once_the_first_sends_a_message(
    base: KnowledgeBase, messages: list[str]
) -> None:
    """It looks after its transaction: two that come together never both rely on the other."""
    first, second = queued(base, "a"), queued(base, "b")
    waking._wake(second)
    assert messages == []
    waking._wake(first)
    assert messages == ["wake"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "before",
    [
        {"lease": "somebody", "state": Source.State.READING},  # who may look no more
        {"lease": "somebody"},  # waits for a model that is down
        {"state": Source.State.READY},
        {"seconds": 2.0},  # its message may be lost
    ],
)
def test_one_that_nobody_will_come_for_is_not_relied_upon(
    base: KnowledgeBase, messages: list[str], before: dict[str, object]
) -> None:
    queued(base, "a", **{"seconds": 0.2, **before})  # type: ignore[arg-type]
    waking._wake(queued(base, "b"))
    assert messages == ["wake"]


@pytest.mark.django_db
def test_whoever_takes_one_up_wakes_the_next_before_he_begins(
    base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = list[str]()

    def run(sources: list[Source], **_: object) -> None:
        happened.extend(source.title for source in sources)
        Source.objects.filter(pk__in=[source.pk for source in sources]).update(state="ready")

    monkeypatch.setattr("knowledge.ingest.run", run)
    for name in "abc":
        queued(base, name)
    turns.take_some(wake=lambda: happened.append("wake"))
    assert happened == ["wake", "a", "b", "c"]
    happened.clear()
    queued(base, "d")
    turns.take_some(wake=lambda: happened.append("wake"))
    assert happened == ["d"]


def test_many_files_that_come_at_once_are_all_read(shop: Tenant, house: House) -> None:
    for number in range(30):
        assert shop.upload(f"{number}.txt", f"Rule {number} of the house.").is_success
    own = Source.objects.for_client(shop.client)
    wait_until(lambda: not own.unfinished().exists(), 60)
    assert own.filter(state=Source.State.READY).count() == 30
