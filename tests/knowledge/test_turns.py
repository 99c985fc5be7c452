"""Whose source is read next: clients take turns, whatever order the messages come in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Client
from chatbot_saas import queues
from chatbot_saas.celery import app
from knowledge import ingest, jobs, turns
from knowledge.models import KnowledgeBase, Passage, Source
from tests.house import House, Tenant
from tests.services.django import Worker
from tests.services.waiting import wait_until

LONG = Source.SHORT_BYTES + 1


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Source]:
    """What was taken up, in order; each is ready at once."""
    taken = list[Source]()

    def run(sources: list[Source], **_: object) -> None:
        taken.extend(sources)
        for source in sources:
            jobs.renew(source, state=Source.State.READY, lease="")

    monkeypatch.setattr(ingest, "run", run)
    return taken


def a_base(name: str) -> KnowledgeBase:
    client = Client.objects.create(name=name)
    return KnowledgeBase.objects.create(client=client, name="Help", embedding_model="m")


def queued(base: KnowledgeBase, count: int = 1, **values: object) -> list[Source]:
    """Too long to be taken up with others, where nothing else is said."""
    given = {"format": "text", "bytes": LONG, **values}
    return [
        Source.objects.create(knowledge_base=base, title=f"{n}", sha256=uuid4().hex, **given)
        for n in range(count)
    ]


def names(sources: list[Source]) -> list[str]:
    return [source.knowledge_base.client.name for source in sources]


@pytest.mark.django_db
def test_ten_thousand_files_of_one_client_keep_nobody_waiting(served: list[Source]) -> None:
    many, one, few = a_base("many"), a_base("one"), a_base("few")
    files = [
        Source(knowledge_base=many, title="file", format="text", bytes=LONG, sha256=f"{number}")
        for number in range(10_000)
    ]
    Source.objects.bulk_create(files, batch_size=1000)
    queued(one)
    queued(few, 2)
    for _ in range(6):
        assert turns.take_one()
    assert sorted(names(served)[:3]) == ["few", "many", "one"]
    assert names(served)[3:] in (["many", "few", "many"], ["few", "many", "many"])


@pytest.mark.django_db
def test_a_client_for_whom_somebody_works_already_comes_after_the_others(
    served: list[Source],
) -> None:
    busy, idle = a_base("busy"), a_base("idle")
    queued(busy, lease="somebody")
    queued(busy)
    queued(idle, 2)
    KnowledgeBase.objects.filter(pk=idle.pk).update(served_at=timezone.now())
    for _ in range(3):
        turns.take_one()
    assert names(served) == ["idle", "idle", "busy"]


@pytest.mark.django_db
def test_sources_of_one_client_are_read_in_the_order_in_which_they_came(
    served: list[Source],
) -> None:
    files = queued(a_base("one"), 5)
    for _ in files:
        turns.take_one()
    assert served == files


@pytest.mark.django_db
def test_short_ones_of_a_base_are_taken_up_together(served: list[Source]) -> None:
    """But not without end: others wait. What was tried before may be what they would fail with."""
    base = a_base("one")
    short = queued(base, 20, bytes=100)
    queued(base, format="pdf", bytes=100)
    queued(base, attempts=1, bytes=100)
    queued(base)
    queued(a_base("another"), bytes=100)
    assert turns.take_one()
    assert served == short[: jobs.TOGETHER]
    assert len({source.lease for source in served}) == 2
    states = Source.objects.filter(state=Source.State.QUEUED)
    assert states.filter(knowledge_base=base).count() == 7


@pytest.mark.django_db
def test_a_short_one_that_has_just_come_is_waited_with_for_others(
    served: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INGEST_GATHER_MILLISECONDS", 200)
    base, slept = a_base("one"), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        queued(base, 2, bytes=100)

    monkeypatch.setattr("time.sleep", sleep)
    queued(base, bytes=100)
    assert turns.take_one()
    assert len(served) == 3
    assert 0 < slept[0] <= 0.2


@pytest.mark.django_db
@pytest.mark.parametrize(("size", "seconds"), [(100, 0.3), (LONG, 0.0)])
def test_one_that_is_long_or_has_waited_is_taken_up_at_once(
    served: list[Source],
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    seconds: float,
) -> None:
    monkeypatch.setattr(settings, "INGEST_GATHER_MILLISECONDS", 200)
    slept = list[float]()
    monkeypatch.setattr("time.sleep", slept.append)
    [one] = queued(a_base("one"), bytes=size)
    Source.objects.update(heartbeat_at=one.heartbeat_at - timedelta(seconds=seconds))
    assert turns.take_one()
    assert sum(slept) == 0


@pytest.mark.django_db
def test_one_that_was_tried_before_is_worked_on_alone(served: list[Source]) -> None:
    base = a_base("one")
    [tried] = queued(base, attempts=1, bytes=100)
    queued(base, 3, bytes=100)
    assert turns.take_one()
    assert served == [tried]


@pytest.mark.django_db
def test_what_a_killed_worker_left_is_taken_up_when_its_lease_is_stale(
    served: list[Source],
) -> None:
    base = a_base("one")
    [left] = queued(base, lease="the dead")
    assert not turns.take_one()
    assert not served
    long_ago = timezone.now() - timedelta(seconds=settings.INGEST_LEASE_SECONDS + 1)
    Source.objects.filter(pk=left.pk).update(heartbeat_at=long_ago)
    assert turns.to_wake() == jobs.WOKEN_AT_ONCE
    turns.take_one()
    assert served == [left]


@pytest.mark.django_db
def test_nobody_is_woken_while_nothing_waits() -> None:
    base = a_base("one")
    queued(base)  # just now: its message is on its way
    queued(base, state=Source.State.READY)
    assert turns.to_wake() == 0


@pytest.mark.django_db
def test_lost_messages_are_sent_again_but_one_while_somebody_is_at_work() -> None:
    base = a_base("one")
    queued(base, 30)
    long_ago = timezone.now() - timedelta(seconds=settings.INGEST_LEASE_SECONDS + 1)
    Source.objects.update(heartbeat_at=long_ago)
    assert turns.to_wake() == jobs.WOKEN_AT_ONCE
    queued(base, lease="somebody")
    assert turns.to_wake() == 1


def test_a_task_goes_to_the_queue_of_its_kind() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert set(queues.ROUTES) <= ours
    assert {route["queue"] for route in queues.ROUTES.values()} <= set(queues.ALL)
    assert app.amqp.router.route({}, "accounts.tasks.send_mail")["queue"].name == queues.SHORT
    reading = app.amqp.router.route({}, "knowledge.tasks.ingest_next")["queue"]
    assert reading.name == queues.READING


@pytest.fixture
def worker(house: House) -> Iterator[Worker]:
    yield house.worker
    house.worker.start()


def test_a_long_document_is_put_down_for_another_client_and_then_finished(
    shop: Tenant, rival: Tenant
) -> None:
    """The house has one worker, which would need half a minute for the long one alone."""
    text = "\n\n".join(
        f"Paragraph {n} tells about item {n * 7919 % 1000}. " * 20 for n in range(600)
    )
    long = shop.upload("long.txt", text).json()["id"]
    wait_until(lambda: shop.document(long)["progress"] > 0.1, 60)
    short = rival.upload("hours.txt", "We open at nine.").json()["id"]
    assert rival.finished(short, timeout=60)["status"] == "ready"
    assert shop.document(long)["status"] != "ready"
    assert shop.finished(long, timeout=180)["status"] == "ready"
    source = shop.source(long)
    positions = source.passages.order_by("position").values_list("position", flat=True)
    assert list(positions) == list(range(len(positions)))
    assert len(positions) >= 600


def test_one_file_is_ready_long_before_the_sixty_that_came_first(
    shop: Tenant, rival: Tenant, worker: Worker
) -> None:
    worker.kill()
    files = [shop.upload(f"{n}.txt", f"Rule {n} of the house.").json()["id"] for n in range(60)]
    single = rival.upload("hours.txt", "We open at nine.").json()["id"]
    worker.start()
    assert rival.finished(single, timeout=60)["status"] == "ready"
    ready = Source.objects.filter(public_id__in=files, state=Source.State.READY)
    assert ready.filter(ready_at__lt=rival.source(single).ready_at).count() < 2 * jobs.TOGETHER
    wait_until(lambda: not Source.objects.for_client(shop.client).unfinished().exists(), 120)
    assert Passage.objects.filter(source__knowledge_base=shop.base).count() == 60
