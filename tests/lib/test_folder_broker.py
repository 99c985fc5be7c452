"""The broker of an installation without Redis: folders, and messages that are never half there."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import Empty

import pytest
from kombu.connection import Connection

import chatbot_saas.celery  # noqa: F401 - puts our transport in place

MESSAGES = 1500


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    for folder in ("queue", "control"):
        (tmp_path / folder).mkdir()
    queue = str(tmp_path / "queue")
    return {
        "data_folder_in": queue,
        "data_folder_out": queue,
        "control_folder": str(tmp_path / "control"),
    }


def test_no_message_is_lost_between_a_busy_sender_and_a_busy_taker(options: dict[str, str]) -> None:
    taken: list[int] = []
    troubles: list[Exception] = []

    def take() -> None:
        with Connection("filesystem://", transport_options=options) as connection:
            queue = connection.SimpleQueue("work")
            try:
                while len(taken) < MESSAGES:
                    message = queue.get(timeout=40)
                    taken.append(message.payload["number"])
                    message.ack()
            except (Empty, ValueError) as trouble:
                troubles.append(trouble)
            queue.close()

    taker = threading.Thread(target=take)
    taker.start()
    with Connection("filesystem://", transport_options=options) as connection:
        queue = connection.SimpleQueue("work")
        for number in range(MESSAGES):
            queue.put({"number": number})
        queue.close()
    taker.join(120)
    assert troubles == []
    assert sorted(taken) == list(range(MESSAGES))


def test_a_queue_that_two_threads_declare_at_once_loses_no_message(
    options: dict[str, str],
) -> None:
    """kombu remembers a binding before it has written it down, for all threads of a process."""

    def send(name: str, together: threading.Barrier) -> None:
        with Connection("filesystem://", transport_options=options) as connection:
            together.wait()
            queue = connection.SimpleQueue(name)
            queue.put({"from": threading.get_ident()})
            queue.close()

    names = [f"queue{number}" for number in range(150)]
    for name in names:
        together = threading.Barrier(4)
        senders = [threading.Thread(target=send, args=(name, together)) for _ in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    arrived = [path.name.rsplit(".", 2)[-2] for path in Path(options["data_folder_in"]).iterdir()]
    assert {name: arrived.count(name) for name in names} == dict.fromkeys(names, 4)
