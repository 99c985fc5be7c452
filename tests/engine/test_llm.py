"""Chat models over HTTP: the stream, and one exception for each kind of trouble."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from chat.engine.events import Usage
from chat.engine.llm import (
    FallbackModel,
    Finish,
    KeyRefused,
    ModelBroken,
    ModelBusy,
    ModelDown,
    ModelError,
    ModelSilent,
)
from chat.engine.openai_model import OpenAIModel, _Chunks
from chatbot_saas.lib.sse import keep_alive
from tests.fakes.openai_server import Answer, FakeOpenAI, words

MESSAGES = [{"role": "user", "content": "How long does shipping take?"}]
SILENCE = 0.3


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def fake(server: FakeOpenAI) -> Iterator[FakeOpenAI]:
    yield server
    server.reset()
    server.wait_until(lambda: server.open_streams == 0)


@asynccontextmanager
async def model_at(url: str, silence: float = 5.0) -> AsyncIterator[OpenAIModel]:
    model = OpenAIModel("gpt-4o-mini", api_key="sk-fake", base_url=url, silence_seconds=silence)
    try:
        yield model
    finally:
        await model.aclose()


def said(url: str, silence: float = 5.0) -> list[str | Finish]:
    """All that the model says."""

    async def ask() -> list[str | Finish]:
        async with model_at(url, silence) as model:
            return [piece async for piece in model.stream(MESSAGES)]

    return asyncio.run(ask())


def said_through_a_stream(url: str, silence: float = 5.0) -> list[str]:
    """The same as a visitor gets it: each piece awaited in a task of its own."""

    async def ask() -> list[str]:
        async with model_at(url, silence) as model:

            async def encoded() -> AsyncIterator[bytes]:
                async for piece in model.stream(MESSAGES):
                    yield str(piece).encode()

            return [piece.decode() async for piece in keep_alive(encoded())]

    return asyncio.run(ask())


def test_an_answer_comes_in_pieces_and_ends_with_its_reason_and_usage(fake: FakeOpenAI) -> None:
    fake.answer("Three days, Grüße 😀 [1].")
    *pieces, finish = said(fake.url)
    assert "".join(str(piece) for piece in pieces) == "Three days, Grüße 😀 [1]."
    assert len(pieces) > 3
    assert isinstance(finish, Finish)
    assert finish.reason == "stop"
    assert finish.usage.completion_tokens == len(pieces)
    assert finish.usage.prompt_tokens > 0


def test_an_answer_that_was_cut_says_so(fake: FakeOpenAI) -> None:
    fake.answer("Three days", finish_reason="length")
    finish = said(fake.url)[-1]
    assert isinstance(finish, Finish)
    assert finish.reason == "length"


def test_bytes_cut_anywhere_give_the_same_text(fake: FakeOpenAI) -> None:
    fake.reply(Answer("Grüße, 你好 👋 [1]", fragment=7))
    assert "".join(str(piece) for piece in said(fake.url)[:-1]) == "Grüße, 你好 👋 [1]"


def test_the_request_asks_for_a_stream_with_usage_and_a_limit(fake: FakeOpenAI) -> None:
    said(fake.url)
    body = fake.requests[0].body
    assert body["messages"] == MESSAGES
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["max_completion_tokens"] > 0


@pytest.mark.parametrize(
    ("status", "error", "asked"),
    [
        (400, ModelBroken, 1),
        (401, KeyRefused, 1),
        (403, KeyRefused, 1),
        (404, ModelBroken, 1),
        (429, ModelBusy, 1),
        (500, ModelDown, 2),
        (503, ModelDown, 2),
    ],
)
def test_each_status_is_an_error_of_its_own_kind(
    fake: FakeOpenAI, status: int, error: type[ModelError], asked: int
) -> None:
    fake.fail(status, times=2)
    with pytest.raises(error, match=str(status)) as caught:
        said(fake.url)
    assert type(caught.value) is error
    assert len(fake.requests) == asked


def test_a_moments_failure_is_not_noticed(fake: FakeOpenAI) -> None:
    fake.fail(502)
    fake.answer("Three days.")
    assert said(fake.url)[:2] == ["Three", " days"]


def test_a_busy_model_is_not_waited_for_but_its_wait_is_passed_on(fake: FakeOpenAI) -> None:
    fake.fail(429, retry_after=30)
    start = time.monotonic()
    with pytest.raises(ModelBusy) as caught:
        said(fake.url)
    assert caught.value.retry_after == 30
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("retry_after", [None, 1.5])
def test_a_wait_that_is_no_whole_number_of_seconds_is_left_out(
    fake: FakeOpenAI, retry_after: float | None
) -> None:
    fake.fail(429, retry_after=retry_after)
    with pytest.raises(ModelBusy) as caught:
        said(fake.url)
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    "misbehave",
    [
        lambda fake: fake.garbage("html"),
        lambda fake: fake.garbage("json"),
        lambda fake: fake.garbage_after(2),
        lambda fake: fake.error_after(2),
    ],
    ids=["page", "json", "in the middle", "error in the middle"],
)
def test_garbage_is_a_broken_model(
    fake: FakeOpenAI, misbehave: Callable[[FakeOpenAI], None]
) -> None:
    misbehave(fake)
    with pytest.raises(ModelBroken):
        said(fake.url)


def test_what_came_before_the_trouble_was_said(fake: FakeOpenAI) -> None:
    fake.error_after(2, "one two three")

    async def ask() -> list[str | Finish]:
        got: list[str | Finish] = []
        async with model_at(fake.url) as model:
            with pytest.raises(ModelBroken):
                async for piece in model.stream(MESSAGES):
                    got.append(piece)
        return got

    assert asyncio.run(ask()) == ["one", " two"]


def test_a_dropped_connection_is_a_model_that_is_down(fake: FakeOpenAI) -> None:
    fake.drop_after(2)
    with pytest.raises(ModelDown):
        said(fake.url)


def test_nobody_at_the_address_is_a_model_that_is_down() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelDown):
        said(f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize("ask", [said, said_through_a_stream])
def test_a_model_that_never_speaks_is_silent(
    fake: FakeOpenAI, ask: Callable[[str, float], object]
) -> None:
    fake.hang()
    with pytest.raises(ModelSilent):
        ask(fake.url, SILENCE)


@pytest.mark.parametrize("ask", [said, said_through_a_stream])
def test_a_model_that_falls_silent_in_the_middle_is_silent(
    fake: FakeOpenAI, ask: Callable[[str, float], object]
) -> None:
    fake.hang_after(2)
    with pytest.raises(ModelSilent):
        ask(fake.url, SILENCE)
    fake.wait_until(lambda: fake.open_streams == 0, 1)


def test_a_slow_answer_is_not_a_silent_one(fake: FakeOpenAI) -> None:
    fake.answer(words(8), tokens_per_second=10)
    assert len(said(fake.url, SILENCE)) == 9


def test_a_slow_reader_is_not_the_models_silence(fake: FakeOpenAI) -> None:
    fake.answer("one two three")

    async def ask() -> int:
        count = 0
        async with model_at(fake.url, SILENCE) as model:
            async for _ in model.stream(MESSAGES):
                await asyncio.sleep(SILENCE * 1.5)
                count += 1
        return count

    assert asyncio.run(ask()) == 4


def test_closing_the_stream_closes_the_connection(fake: FakeOpenAI) -> None:
    fake.answer(words(1000), tokens_per_second=50)

    async def leave() -> None:
        async with model_at(fake.url) as model:
            stream: Any = model.stream(MESSAGES)
            async with aclosing(stream):
                await anext(stream)
                assert fake.open_streams == 1
            await asyncio.to_thread(fake.wait_until, lambda: fake.open_streams == 0, 1)

    asyncio.run(leave())
    assert fake.requests[0].disconnected


@pytest.mark.parametrize("hang", [FakeOpenAI.hang, lambda fake: fake.hang_after(2)])
def test_cancelling_a_task_that_waits_for_the_model_closes_the_connection(
    fake: FakeOpenAI, hang: Callable[[FakeOpenAI], None]
) -> None:
    hang(fake)

    async def leave() -> None:
        async with model_at(fake.url) as model:

            async def listen() -> None:
                async for _ in model.stream(MESSAGES):
                    pass

            task = asyncio.create_task(listen())
            await asyncio.to_thread(fake.wait_until, lambda: fake.open_streams == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(fake.wait_until, lambda: fake.open_streams == 0, 1)

    asyncio.run(leave())
    assert fake.requests[0].disconnected


def test_a_connection_serves_one_answer_after_the_other(fake: FakeOpenAI) -> None:
    async def ask_twice() -> list[str]:
        async with model_at(fake.url) as model:
            return ["".join([str(p) async for p in model.stream(MESSAGES)][:-1]) for _ in "ab"]

    fake.answer("First.")
    fake.answer("Second.")
    assert asyncio.run(ask_twice()) == ["First.", "Second."]


def said_with_a_fallback(url: str) -> list[str | Finish]:
    async def ask() -> list[str | Finish]:
        async with model_at(url) as first, model_at(url) as second:
            second.name = "second-model"
            return [piece async for piece in FallbackModel(first, second).stream(MESSAGES)]

    return asyncio.run(ask())


def test_another_model_answers_when_the_first_is_down(fake: FakeOpenAI) -> None:
    fake.fail(500, when="gpt-4o-mini", times=2)
    fake.answer("From the second.", when="second-model")
    assert "".join(str(piece) for piece in said_with_a_fallback(fake.url)[:-1]) == (
        "From the second."
    )


def test_another_model_is_not_asked_without_need(fake: FakeOpenAI) -> None:
    said_with_a_fallback(fake.url)
    assert [request.body["model"] for request in fake.requests] == ["gpt-4o-mini"]


def test_no_answer_is_begun_by_one_model_and_ended_by_another(fake: FakeOpenAI) -> None:
    fake.error_after(2)
    with pytest.raises(ModelBroken):
        said_with_a_fallback(fake.url)
    assert len(fake.requests) == 1


def test_when_both_models_are_down_the_seconds_trouble_is_told(fake: FakeOpenAI) -> None:
    fake.fail(500, when="gpt-4o-mini", times=2)
    fake.fail(429, retry_after=7, when="second-model")
    with pytest.raises(ModelBusy, match="second-model"):
        said_with_a_fallback(fake.url)


# --- The parser ------------------------------------------------------------------------------


def chunk(text: str | None = None, reason: str | None = None, **more: object) -> bytes:
    delta = {} if text is None else {"content": text}
    data = {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


STREAM = (
    b": comment\n\n"
    + chunk("")
    + b"event: message\n"
    + chunk("Grüße")
    + chunk(None)
    + b'data: {"choices": []}\n\n'
    + chunk(" 你好 👋\n")
    + chunk(reason="stop", usage=None)
    + b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}\r\n\r\n'
    + b"data: [DONE]\n\n"
)
SPOKEN = ("Grüße 你好 👋\n", Finish("stop", Usage(7, 3)))


def parsed(pieces: list[bytes]) -> tuple[str, Finish]:
    chunks = _Chunks("model")
    text = "".join(part for piece in pieces for part in chunks.feed(piece))
    return text, chunks.finish()


def test_a_stream_is_parsed_in_one_piece_and_byte_by_byte() -> None:
    assert parsed([STREAM]) == SPOKEN
    assert parsed([bytes([byte]) for byte in STREAM]) == SPOKEN


def test_a_stream_cut_anywhere_gives_the_same() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        cuts = sorted(chance.choices(range(len(STREAM) + 1), k=chance.randint(1, 30)))
        ends = [0, *cuts, len(STREAM)]
        pieces = [STREAM[start:end] for start, end in pairwise(ends)]
        assert parsed(pieces) == SPOKEN, f"seed {seed}"


@pytest.mark.parametrize(
    "stream",
    [
        chunk("Hi") + b"data: [DONE]\n\n",
        chunk("Hi").replace(b"data: ", b"data:") + chunk(reason="stop"),
        chunk("Hi", error=None) + chunk(reason="stop"),
        chunk("Hi").replace(b"\n\n", b"\r\n\r\n") + chunk(reason="stop"),
        b'data: {"choices": null}\n\n' + chunk("Hi", reason="stop"),
        b'data: {"choices": [{"delta": null}]}\n\n' + chunk("Hi", reason="stop"),
    ],
    ids=["no reason", "no space", "null error", "crlf", "null choices", "null delta"],
)
def test_the_dialects_of_compatible_servers_are_understood(stream: bytes) -> None:
    text, finish = parsed([stream])
    assert (text, finish.reason) == ("Hi", "stop")


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"5",
        b"null",
        b'"text"',
        b"[]",
        b'{"choices": [5]}',
        b'{"choices": [{"delta": {"content": ["Hi"]}}]}',
        b'{"error": {"message": "overloaded"}}',
        b"\xff\xfe",
    ],
)
def test_a_chunk_that_is_none_is_a_broken_model(data: bytes) -> None:
    with pytest.raises(ModelBroken):
        parsed([b"data: " + data + b"\n\n", chunk(reason="stop")])


@pytest.mark.parametrize("stream", [b"", chunk("Hi"), chunk("Hi", reason="stop")[:-10]])
def test_a_stream_that_ends_too_soon_is_a_broken_model(stream: bytes) -> None:
    with pytest.raises(ModelBroken, match="ended"):
        parsed([stream])


def test_half_a_letter_never_leaves_the_parser() -> None:
    half = b'data: {"choices": [{"delta": {"content": "a\\ud83d b"}}]}\n\n'
    text, _ = parsed([half, chunk(reason="stop")])
    assert text == "a\ufffd b"
