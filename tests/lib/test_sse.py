"""Events on the wire, and streams that are silent, end or are left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from chatbot_saas.lib.sse import COMMENT, encode, keep_alive, stream

SOON = 0.02


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines", "\r\n\r\n", "\u2028", "Grüße 😀", '"', "event: forged\n\n"]
)
def test_an_event_is_one_line_of_json_whatever_is_in_it(text: str) -> None:
    wire = encode("delta", {"text": text})
    assert wire.endswith(b"\n\n")
    name, data = wire[:-2].split(b"\n")
    assert b"\r" not in wire
    assert name == b"event: delta"
    assert json.loads(data.removeprefix(b"data: ")) == {"text": text}


class Source:
    """Gives events when told to, and knows whether it was closed."""

    def __init__(self, *events: bytes, then: Exception | None = None) -> None:
        self.events = events
        self.then = then
        self.go_on = asyncio.Event()
        self.cancelled = False
        self.closed = False

    async def run(self) -> AsyncGenerator[bytes]:
        try:
            for event in self.events:
                yield event
            if self.then:
                raise self.then
            await self.go_on.wait()
            yield b"late"
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.closed = True


def kept(source: Source, seconds: float = SOON) -> AsyncGenerator[bytes]:
    alive: Any = keep_alive(source.run(), seconds=seconds)
    return alive  # type: ignore[no-any-return]


def test_events_pass_in_order_and_the_end_ends_it() -> None:
    async def scenario() -> list[bytes]:
        source = Source(b"one", b"two")
        source.go_on.set()
        return [event async for event in kept(source)]

    assert asyncio.run(scenario()) == [b"one", b"two", b"late"]


def test_a_comment_comes_again_and_again_while_the_source_is_silent() -> None:
    async def scenario() -> list[bytes]:
        source = Source(b"one")
        alive, got = kept(source), []
        async for event in alive:
            got.append(event)
            if got.count(COMMENT) == 3:
                source.go_on.set()
        return got

    got = asyncio.run(scenario())
    assert got[0] == b"one"
    assert got[1:4] == [COMMENT] * 3
    assert got[-1] == b"late"  # the time-outs before have not cancelled it


def test_no_comment_comes_while_events_do() -> None:
    async def quick() -> AsyncIterator[bytes]:
        for _ in range(10):
            await asyncio.sleep(0.005)
            yield b"event"

    async def scenario() -> list[bytes]:
        return [event async for event in keep_alive(quick(), seconds=1)]

    assert asyncio.run(scenario()) == [b"event"] * 10


def test_the_source_is_closed_when_the_reader_leaves_after_an_event() -> None:
    async def scenario() -> Source:
        source = Source(b"one")
        alive = kept(source)
        assert await anext(alive) == b"one"
        await alive.aclose()
        return source

    assert asyncio.run(scenario()).closed


def test_the_source_is_stopped_when_the_reader_leaves_while_it_is_silent() -> None:
    async def scenario() -> Source:
        source = Source()
        alive = kept(source)
        assert await anext(alive) == COMMENT
        await alive.aclose()
        return source

    source = asyncio.run(scenario())
    assert source.cancelled
    assert source.closed


def test_the_source_is_stopped_when_the_readers_task_is_cancelled() -> None:
    async def scenario() -> Source:
        source = Source()

        async def read() -> None:
            async for _ in kept(source, seconds=60):
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(SOON)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        return source

    source = asyncio.run(scenario())
    assert source.cancelled
    assert source.closed


def test_trouble_of_the_source_is_the_readers_trouble() -> None:
    async def scenario() -> list[bytes]:
        source = Source(b"one", then=RuntimeError("broken"))
        got = []
        with pytest.raises(RuntimeError, match="broken"):
            async for event in kept(source):
                got.append(event)
        assert source.closed
        return got

    assert asyncio.run(scenario()) == [b"one"]


def test_nothing_is_left_running_behind_a_stream_that_was_left() -> None:
    async def scenario() -> int:
        alive = kept(Source())
        await anext(alive)
        await alive.aclose()
        return len(asyncio.all_tasks())

    assert asyncio.run(scenario()) == 1


def test_a_response_is_neither_cached_nor_buffered() -> None:
    async def scenario() -> bytes:
        source = Source(b"one")
        source.go_on.set()
        response = stream(source.run())
        assert response["Content-Type"].startswith("text/event-stream")
        assert response["Cache-Control"] == "no-store"
        assert response["X-Accel-Buffering"] == "no"
        parts: Any = response.streaming_content
        body = b"".join([part async for part in parts])
        response.close()
        return body

    assert asyncio.run(scenario()) == b"onelate"
