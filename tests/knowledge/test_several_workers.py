"""Four workers at once, a queue for each kind of work: on PostgreSQL and Redis as in a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from chatbot_saas import queues
from knowledge import index, jobs
from knowledge.models import Passage, Source
from tests.engine.made_files import zipped
from tests.house import House, Tenant
from tests.services.django import Worker
from tests.services.waiting import wait_until

FILES = 240


@pytest.fixture
def workers(house: House) -> Iterator[list[Worker]]:
    """Three that read, and one for all else; the house's own one rests meanwhile."""
    house.worker.kill()
    kinds = [queues.READING] * 3 + [",".join(set(queues.ALL) - {queues.READING})]
    with ExitStack() as stack:
        yield [stack.enter_context(Worker(house.worker.env, queues=kind)) for kind in kinds]
    house.worker.start()


def test_four_workers_share_the_work_and_nobody_starves(
    shop: Tenant, rival: Tenant, workers: list[Worker]
) -> None:
    for worker in workers:
        worker.kill()
    files = {f"{n}.txt": f"Rule {n} of the house is {n}." for n in range(FILES)}
    ids = {name: shop.upload(name, text).json()["id"] for name, text in files.items()}
    single = rival.upload("hours.txt", "We open at nine.").json()["id"]
    with ThreadPoolExecutor() as pool:
        list(pool.map(Worker.start, workers))
    assert rival.finished(single, timeout=120)["status"] == "ready"
    ready = Source.objects.filter(public_id__in=ids.values(), state=Source.State.READY)
    assert ready.filter(ready_at__lt=rival.source(single).ready_at).count() < FILES / 2
    wait_until(lambda: ready.count() == FILES, 240)
    passages = Passage.objects.filter(source__knowledge_base=shop.base)
    assert sorted(passages.values_list("text", flat=True)) == sorted(files.values())
    shop.base.refresh_from_db()
    assert shop.base.live_passages == FILES
    wait_until(lambda: index.check(shop.base).ok, 60)
    shop.http.delete(f"/api/documents/{ids['7.txt']}", headers=shop.bearer)  # another queue's
    wait_until(lambda: passages.count() == FILES - 1, 60)


@pytest.fixture
def no_sweep(house: House) -> Iterator[None]:
    """Nobody finds what waits but by a message of its own."""
    house.scheduler.kill()
    yield
    house.scheduler.start()


def test_whoever_is_free_reads_files_of_an_archive(
    shop: Tenant, workers: list[Worker], no_sweep: None
) -> None:
    text = "\n\n".join(
        f"Paragraph {n} tells about item {n * 7919 % 1000}. " * 20 for n in range(40)
    )
    files: dict[str, str | bytes] = {f"{n}.txt": f"File {n}. {text}" for n in range(8)}
    assert shop.upload("help.zip", zipped(files)).status_code == 201
    in_hand = Source.objects.for_client(shop.client).filter(format="text")
    wait_until(lambda: in_hand.in_work(jobs.stale_since()).count() >= 2, 60)
    ready = Source.objects.for_client(shop.client).filter(state=Source.State.READY)
    wait_until(lambda: ready.count() == len(files), 120)
