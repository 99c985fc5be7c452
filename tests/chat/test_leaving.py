"""Visitors who leave in the middle of an answer, and many who stay: nothing is held for them."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from datetime import timedelta

import httpx
import psutil
import pytest
from django.conf import settings
from django.utils import timezone

from chat.models import Message
from chat.tasks import end_abandoned_answers
from tests.fakes.openai_server import Answer, words
from tests.house import House, Tenant, Visitor
from tests.services.waiting import wait_until

QUESTION = "How many days do I have to return unworn goods?"
SLOW = Answer(words(400), tokens_per_second=20)
FLOOD = Answer(words(100_000))
LEAVERS = 20
STAYERS = 30


def test_the_model_stops_when_the_visitor_leaves(talking: Tenant, house: House) -> None:
    house.fake.reply(SLOW)
    heard = listen_and_leave(talking.visitor(), deltas=5)
    left = time.time()
    [request] = house.fake.requests
    house.fake.wait_until(lambda: request.ended_at is not None)
    assert request.disconnected
    assert request.ended_at is not None
    assert request.ended_at - left < 1
    assert house.fake.open_streams == 0
    [kept] = stopped(talking, 1)
    assert kept.text.startswith(heard)
    assert len(kept.text) < len(words(400))
    assert (kept.answered, kept.error) == (None, "")


def test_a_silent_model_is_left_too(talking: Tenant, house: House) -> None:
    house.fake.hang_after(3, times=1)
    listen_and_leave(talking.visitor(), deltas=3)
    house.fake.wait_until(lambda: house.fake.open_streams == 0)
    assert house.fake.requests[-1].disconnected
    assert stopped(talking, 1)[0].text == words(3)


def test_a_program_that_hangs_up_stops_the_model(talking: Tenant, house: House) -> None:
    """The JSON form sends nothing before its end, so nothing but the connection tells."""
    house.fake.reply(SLOW)
    body = {"bot": talking.bot.public_id, "message": QUESTION}
    with pytest.raises(httpx.ReadTimeout):
        talking.http.post("/api/chat", json=body, headers=talking.bearer, timeout=1)
    house.fake.wait_until(lambda: house.fake.open_streams == 0)
    assert stopped(talking, 1)[0].text.startswith("word")


def test_a_visitor_who_stops_reading_can_leave_too(talking: Tenant, house: House) -> None:
    """Megabytes that nobody takes: the answer waits for its reader, and ends with him."""
    house.fake.reply(FLOOD)
    listen_and_leave(talking.visitor(), deltas=1)
    house.fake.wait_until(lambda: house.fake.open_streams == 0)
    assert len(stopped(talking, 1)[0].text) < len(words(100_000))


def test_a_visitor_who_left_can_come_back_and_ask(talking: Tenant, house: House) -> None:
    visitor = talking.visitor()
    house.fake.reply(SLOW)
    listen_and_leave(visitor, deltas=2)
    [kept] = stopped(talking, 1)
    conversation = kept.conversation.public_id
    back = talking.session(visitor=visitor.name, conversation=conversation).json()
    assert [said["state"] for said in back["conversation"]["messages"]] == ["done", "stopped"]
    house.fake.answer("You have 60 days [1].")
    assert visitor.ask(QUESTION, conversation=conversation).json()["answered"]


def test_when_all_leave_at_once_nothing_stays_open(talking: Tenant, house: House) -> None:
    web = psutil.Process(house.speaking.pid)
    # Embedding calls of other tests may have left an idle connection in their client's pool.
    idle = len(connections_to(web, house.fake.port))
    house.fake.always(SLOW)
    with ExitStack() as streams:
        for _ in range(LEAVERS):
            streams.enter_context(talking.visitor().open_stream(QUESTION))
        house.fake.wait_until(lambda: house.fake.open_streams == LEAVERS, timeout=20)
    house.fake.wait_until(lambda: house.fake.open_streams == 0, timeout=10)
    assert all(request.disconnected for request in house.fake.requests)
    assert len(stopped(talking, LEAVERS)) == LEAVERS
    wait_until(lambda: len(connections_to(web, house.fake.port)) <= idle, 10)


def test_who_leaves_before_the_first_word_leaves_nothing_open(
    talking: Tenant, house: House
) -> None:
    """While passages are sought nobody is there yet to note it: a later sweep does."""
    visitor = talking.visitor()
    for milliseconds in range(0, 30, 2):
        ask_and_hang_up(visitor, after=milliseconds / 1000)
    house.fake.wait_until(lambda: house.fake.open_streams == 0, timeout=10)
    wait_until(lambda: nothing_streams_after_a_sweep(talking), 15, every=0.5)


def test_open_streams_hold_no_threads(talking: Tenant, house: House) -> None:
    web = psutil.Process(house.speaking.pid)
    before = web.num_threads()
    house.fake.always(SLOW)
    with ExitStack() as streams:
        for _ in range(STAYERS):
            streams.enter_context(talking.visitor().open_stream(QUESTION))
        house.fake.wait_until(lambda: house.fake.open_streams == STAYERS, timeout=20)
        pulse = house.speaking_http.get("/healthz", timeout=5)
        assert (pulse.status_code, pulse.text) == (200, "ok\n")
        assert web.num_threads() - before <= settings.STREAM_THREADS
        assert talking.session().status_code == 200
    house.fake.wait_until(lambda: house.fake.open_streams == 0, timeout=10)


def ask_and_hang_up(visitor: Visitor, *, after: float) -> None:
    """Send a question and close the connection without waiting for a single byte."""
    body = json.dumps({"bot": visitor.tenant.bot.public_id, "message": QUESTION}).encode()
    headers = visitor.headers("text/event-stream") | {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    address = httpx.URL(str(visitor.tenant.http.base_url))
    with socket.create_connection((address.host, address.port or 80), timeout=10) as connection:
        connection.sendall(f"POST /api/chat HTTP/1.1\r\n{head}\r\n".encode() + body)
        time.sleep(after)


def nothing_streams_after_a_sweep(tenant: Tenant) -> bool:
    """As if it were an hour later."""
    said = Message.objects.filter(conversation__bot=tenant.bot, role=Message.Role.BOT)
    said.update(created_at=timezone.now() - timedelta(hours=1))
    end_abandoned_answers.delay()
    return said.exists() and not said.filter(state=Message.State.STREAMING).exists()


def listen_and_leave(visitor: Visitor, *, deltas: int) -> str:
    """Read so many pieces, close the connection, and tell what was heard."""
    heard = 0
    with visitor.open_stream(QUESTION) as response:
        for line in response.iter_lines():
            heard += line == "event: delta"
            if heard == deltas:
                break
    return words(heard)


def stopped(tenant: Tenant, count: int) -> list[Message]:
    """The stopped messages, once there are as many."""
    said = Message.objects.filter(conversation__bot=tenant.bot, role=Message.Role.BOT)
    found = said.filter(state=Message.State.STOPPED).select_related("conversation")
    wait_until(lambda: found.count() == count, 10, f"{count} stopped messages")
    assert not said.exclude(state=Message.State.STOPPED).exists()
    return list(found)


def connections_to(process: psutil.Process, port: int) -> list[object]:
    open_ones = process.net_connections(kind="tcp")
    return [one for one in open_ones if getattr(one.raddr, "port", None) == port]
