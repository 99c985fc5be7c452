"""A kept connection tells whether a server ran on, and raises no false alarm."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from chatbot_saas.lib import restarts
from chatbot_saas.lib.restarts import Line
from tests.services.chroma import Chroma


@pytest.fixture(scope="module")
def server() -> Iterator[Chroma]:
    with Chroma() as server:
        yield server


@pytest.fixture
def line(server: Chroma) -> Iterator[Line]:
    line = Line(f"{server.url}/api/v2/heartbeat", timeout=1)
    yield line
    line.close()


def restart(server: Chroma) -> None:
    server.kill()
    server.start()


def test_a_server_that_was_not_asked_before_is_known_since_now(line: Line) -> None:
    before = timezone.now()
    first = line.run()
    assert not first.was_away
    assert not first.covers(before)
    assert not first.covers(None)
    assert first.covers(timezone.now())


def test_one_that_runs_on_is_known_since_the_first_time(line: Line) -> None:
    first = line.run()
    assert [line.run() for _ in range(3)] == [first] * 3


def test_one_that_was_killed_and_came_back_at_once_was_away(server: Chroma, line: Line) -> None:
    for _ in range(2):
        line.run()
    before = timezone.now()
    restart(server)
    again = line.run()
    assert again.was_away
    assert not again.covers(before)
    assert not line.run().was_away


def test_a_connection_that_somebody_between_may_have_closed_proves_nothing(
    server: Chroma, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was unused for long; that this is another connection is known all the same."""
    for _ in range(2):
        line.run()
    before = timezone.now()
    restart(server)
    monkeypatch.setattr(restarts, "MOST_IDLE_SECONDS", 0)
    again = line.run()
    assert not again.was_away
    assert not again.covers(before)


def test_a_connection_that_lasts_for_no_second_call_proves_nothing(
    server: Chroma, line: Line
) -> None:
    line.run()
    before = timezone.now()
    restart(server)
    again = line.run()
    assert not again.was_away
    assert not again.covers(before)


def test_one_that_is_away_is_an_error_and_known_anew_afterwards(server: Chroma, line: Line) -> None:
    before = timezone.now()
    for _ in range(2):
        line.run()
    server.kill()
    for _ in range(2):
        with pytest.raises(OSError, match="refused"):
            line.run()
    server.start()
    assert not line.run().covers(before)


def test_one_that_hangs_is_an_error_and_known_anew_afterwards(server: Chroma, line: Line) -> None:
    line.run()
    with server.paused(), pytest.raises(TimeoutError):
        line.run()
    before = timezone.now()
    assert not line.run().covers(before)


class _OneCallEach(BaseHTTPRequestHandler):
    """As some proxies: HTTP/1.0."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_where_each_call_has_its_own_connection_nothing_is_known() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _OneCallEach) as server:
        threading.Thread(target=server.serve_forever).start()
        line = Line(f"http://127.0.0.1:{server.server_port}/", timeout=5)
        runs = [line.run() for _ in range(3)]
        server.shutdown()
    assert {(run.since, run.was_away, run.covers(None)) for run in runs} == {(None, False, True)}
