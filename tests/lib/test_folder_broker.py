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
