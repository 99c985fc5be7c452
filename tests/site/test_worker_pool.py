"""A process that has worked and then has nothing to do gives its memory back."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from django.db import connection

from chatbot_saas import queues
from tests.house import House, Tenant
from tests.services.django import Worker
from tests.services.process import is_gone
from tests.services.waiting import wait_until

KINDS = ",".join(queues.WORKING)


@pytest.fixture
def reader(house: House) -> Iterator[Worker]:
    """A worker that soon thinks itself idle; the house's own one rests meanwhile."""
    house.worker.kill()
    with Worker(house.worker.env | {"WORKER_IDLE_SECONDS": "1"}, queues=KINDS) as worker:
        yield worker
    house.worker.start()


def test_an_idle_process_gives_way_to_a_fresh_one(shop: Tenant, reader: Worker) -> None:
    first = child_of(reader)
    at_first = own_megabytes(first)
    for number in range(3):
        learned = shop.learn(f"{number}.md", f"# Rule {number}\n\nWe close at {number}.")
        assert learned["status"] == "ready"
        first = next_after(first, reader)
        assert own_megabytes(first) < at_first + 10
    assert "ERROR" not in reader.log_text()


def test_files_that_come_while_a_process_leaves_are_read(shop: Tenant, reader: Worker) -> None:
    process = child_of(reader)
    for number in range(4):
        sent = [shop.upload(f"{number}-{n}.txt", f"Rule {number} {n}.").json() for n in range(5)]
        assert all(shop.finished(one["id"])["status"] == "ready" for one in sent)
        process = next_after(process, reader)


def next_after(process: psutil.Process, worker: Worker) -> psutil.Process:
    wait_until(lambda: is_gone(process), 30, "leaving", every=0.001)
    return child_of(worker)


def child_of(worker: Worker) -> psutil.Process:
    wait_until(lambda: len(children_of(worker)) == 1, 30)
    return children_of(worker)[0]


def children_of(worker: Worker) -> list[psutil.Process]:
    """Its pool: one process, or none for a moment."""
    found = psutil.Process(worker.pid).children()
    return [one for one in found if not is_gone(one) and "celery" in one.cmdline()]


def own_megabytes(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss / 1e6)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no pool of connections")
def test_what_forks_processes_holds_no_connection_that_they_would_inherit(
    shop: Tenant, house: House
) -> None:
    """Django's checks ask the database before the first process is forked."""
    assert shop.learn("a.md", "# Hours\n\nWe close at six.")["status"] == "ready"
    port = int(connection.settings_dict["PORT"])
    parent = psutil.Process(house.worker.pid)
    child = child_of(house.worker)
    assert ports_of(child) >= {port}
    assert port not in ports_of(parent)


def ports_of(process: psutil.Process) -> set[int]:
    """Those that it is connected to."""
    found = process.net_connections("inet")
    return {one.raddr.port for one in found if one.status == psutil.CONN_ESTABLISHED}
