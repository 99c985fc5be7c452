"""The fake model server, asked through OpenAI's own client and through plain HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.fakes.openai_embeddings import embed
from tests.fakes.openai_replies import quote_first_passage, tokens
from tests.fakes.openai_server import Answer, Fail, FakeOpenAI, words
from tests.services.fake_openai import FakeOpenAIProcess

QUESTION: Any = [{"role": "user", "content": "How long does shipping take?"}]
PINNED = [0.5976, 0.7171, 0.0, -0.3586]  # of "Shipping costs" in four dimensions
PASSAGES = """Answer only from the passages, and cite them like [2].

[1] Shipping > Europe
Parcels arrive within 3.5 days. Customs may take longer.

[2] Returns
Thirty days."""


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def fake(server: FakeOpenAI) -> Iterator[FakeOpenAI]:
    yield server
    server.reset()
    server.wait_until(lambda: server.open_streams == 0)


@pytest.fixture
def client(fake: FakeOpenAI) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=fake.url, api_key="sk-secret", max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI, messages: Any = QUESTION) -> str:
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    return answer.choices[0].message.content or ""


def stream(client: openai.OpenAI, **options: Any) -> Iterator[ChatCompletionChunk]:
    create: Any = client.chat.completions.create
    yield from create(model="gpt-4o-mini", messages=QUESTION, stream=True, **options)


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def request_body(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": QUESTION, **more}


def test_an_answer_comes_whole_with_its_usage(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.answer("Three days [1].")
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
    assert answer.choices[0].message.content == "Three days [1]."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(tokens("Three days [1]."))
    assert answer.usage.total_tokens > answer.usage.completion_tokens


def test_a_stream_has_a_role_then_tokens_then_a_reason(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.answer("Three days [1].")
    chunks = list(stream(client))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].delta.content for chunk in chunks[1:-1]] == tokens("Three days [1].")
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_in_a_last_chunk_without_choices_when_asked_for(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.answer("Three days.")
    last = list(stream(client, stream_options={"include_usage": True}))[-1]
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 3


def test_the_bytes_of_a_stream_are_those_of_openai(fake: FakeOpenAI) -> None:
    fake.answer("Hi")
    answer = httpx.post(f"{fake.url}/chat/completions", json=request_body(stream=True))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = answer.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(event.startswith('data: {"id":"chatcmpl-') for event in events[:-2])
    assert '"usage"' not in answer.text


def test_without_a_script_it_quotes_the_first_numbered_passage(client: openai.OpenAI) -> None:
    messages = [{"role": "system", "content": PASSAGES}, *QUESTION]
    assert ask(client, messages) == "Parcels arrive within 3.5 days. [1]"


def test_without_a_script_and_passages_it_does_not_know(client: openai.OpenAI) -> None:
    assert ask(client) == "I do not know."


@pytest.mark.parametrize(
    "passages",
    [
        '<passage number="3" title="Fees">\nIt costs 5 euros. More text.\n</passage>',
        "Use the sources [1].\n[3] It costs 5 euros. More text.\n[4] Another.",
        [{"type": "text", "text": "  [3]\nFees\nIt costs 5 euros. More text."}],
    ],
)
def test_it_finds_passages_in_the_usual_layouts(passages: Any) -> None:
    assert quote_first_passage([{"role": "user", "content": passages}]) == "It costs 5 euros. [3]"


def test_answers_are_given_in_the_order_they_were_queued(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.answer("First.")
    fake.answer_with(lambda messages: f"{len(messages)} message.")
    assert [ask(client), ask(client), ask(client)] == ["First.", "1 message.", "I do not know."]
    assert fake.queued == 0


def test_an_answer_can_wait_for_the_request_it_is_meant_for(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.answer("Rewritten.", when="Rewrite this")
    assert ask(client) == "I do not know."
    assert ask(client, [{"role": "user", "content": "Rewrite this: hi"}]) == "Rewritten."


def test_tokens_come_at_the_pace_that_was_asked_for(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.answer(words(10), tokens_per_second=100, pause_before=0.05)
    start = time.monotonic()
    arrivals = [time.monotonic() - start for _ in stream(client)]
    assert arrivals[0] >= 0.05
    assert arrivals[-1] >= 0.05 + 9 / 100


def test_fragments_cut_events_and_letters_but_lose_nothing(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.reply(Answer("Grüße, 你好 👋 [1]", fragment=7))
    assert text_of(list(stream(client))) == "Grüße, 你好 👋 [1]"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_it_fails_as_openai_does(
    fake: FakeOpenAI, client: openai.OpenAI, status: int, error: type[openai.APIStatusError]
) -> None:
    fake.fail(status, retry_after=1.5)
    with pytest.raises(error) as caught:
        ask(client)
    assert caught.value.response.headers["retry-after"] == "1.5"
    assert ask(client) == "I do not know."


def test_the_code_of_an_error_can_be_chosen(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.fail(429, code="insufficient_quota")
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    assert caught.value.code == "insufficient_quota"


def test_what_it_always_does_lasts_until_the_reset(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.always(Fail(503))
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            ask(client)
    fake.reset()
    assert ask(client) == "I do not know."


def test_errors_of_embeddings_leave_the_chat_alone(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.fail(500, on="embeddings")
    assert ask(client) == "I do not know."
    with pytest.raises(openai.InternalServerError):
        client.embeddings.create(model="text-embedding-3-small", input="hi")


def test_garbage_is_a_page_or_broken_json_with_status_200(fake: FakeOpenAI) -> None:
    fake.garbage()
    fake.garbage("json")
    fake.garbage("json")
    url = f"{fake.url}/chat/completions"
    page, whole = (httpx.post(url, json=request_body()) for _ in range(2))
    streamed = httpx.post(url, json=request_body(stream=True))
    assert (page.status_code, page.text[:5]) == (200, "<!doc")
    with pytest.raises(ValueError, match="Unterminated"):
        whole.json()
    assert streamed.text.startswith('data: {"id"')
    assert "[DONE]" not in streamed.text


def test_garbage_can_come_in_the_middle_of_a_stream(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.garbage_after(2)
    with pytest.raises(json.JSONDecodeError):
        list(stream(client))


def test_an_error_can_come_in_the_middle_of_a_stream(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.error_after(2)
    got: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIError, match="told to fail"):
        got.extend(stream(client))
    assert fake.requests[0].tokens_sent == 2


def test_a_dropped_stream_has_sent_exactly_its_tokens(fake: FakeOpenAI) -> None:
    fake.drop_after(3, "one two three four five")
    received = ""
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("POST", f"{fake.url}/chat/completions", json=request_body(stream=True)) as got,
    ):
        for piece in got.iter_text():
            received += piece
    assert ' three"' in received
    assert "four" not in received
    assert not fake.requests[0].finished
    assert not fake.requests[0].disconnected


def test_a_dropped_answer_breaks_off(fake: FakeOpenAI) -> None:
    fake.drop_after(3)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{fake.url}/chat/completions", json=request_body())


def test_a_hanging_request_gets_no_byte_and_knows_when_its_client_leaves(fake: FakeOpenAI) -> None:
    fake.hang()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{fake.url}/chat/completions", json=request_body(), timeout=0.1)
    fake.wait_until(lambda: fake.requests[0].disconnected)
    assert fake.open_streams == 0
    assert not fake.requests[0].finished


def test_a_hanging_request_is_cut_after_its_time(fake: FakeOpenAI) -> None:
    fake.hang(0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{fake.url}/chat/completions", json=request_body(), timeout=5)
    assert not fake.requests[0].disconnected


def test_a_stream_that_fell_silent_goes_on_when_released(
    fake: FakeOpenAI, client: openai.OpenAI
) -> None:
    fake.hang_after(2, "one two three")
    chunks = stream(client)
    first = [next(chunks) for _ in range(3)]
    assert text_of(first) == "one two"
    assert fake.open_streams == 1
    fake.release()
    assert text_of(list(chunks)) == " three"
    fake.wait_until(lambda: fake.requests[0].finished)


def test_it_knows_that_a_visitor_left_in_the_middle_of_a_stream(fake: FakeOpenAI) -> None:
    fake.answer(words(1000), tokens_per_second=50)
    url = f"{fake.url}/chat/completions"
    with httpx.stream("POST", url, json=request_body(stream=True)) as answer:
        pieces = answer.iter_bytes()  # kept: httpx hangs up when the iterator is collected
        next(pieces)
        assert fake.open_streams == 1
    fake.wait_until(lambda: fake.open_streams == 0, timeout=1)
    assert fake.requests[0].disconnected
    assert not fake.requests[0].finished
    assert fake.requests[0].tokens_sent < 100


def test_it_records_the_request_without_the_key(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    ask(client)
    httpx.get(f"{fake.url}/models")
    chat, listing = fake.requests
    assert (chat.path, listing.path) == ("/v1/chat/completions", "/v1/models")
    assert chat.body == request_body()
    assert chat.authorized
    assert not listing.authorized
    assert "sk-secret" not in str(chat.headers)
    fake.wait_until(lambda: chat.finished and listing.finished)
    assert chat.ended_at is not None
    assert chat.ended_at >= chat.started_at


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}",
        b'{"model": "m", "messages": []}',
        b'{"model": "m", "messages": [{"role": "x"}]}',
    ],
)
def test_it_refuses_what_openai_refuses(fake: FakeOpenAI, body: bytes) -> None:
    answer = httpx.post(f"{fake.url}/chat/completions", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_it_lists_models(client: openai.OpenAI) -> None:
    assert "gpt-4o-mini" in {model.id for model in client.models.list()}


def test_texts_that_share_words_have_close_vectors(client: openai.OpenAI) -> None:
    texts = ["How long does shipping take?", "Shipping takes three days.", "Reset your password."]
    answer = client.embeddings.create(model="text-embedding-3-small", input=texts)
    question, near, far = (item.embedding for item in answer.data)
    assert len(question) == 1536
    assert abs(dot(question, question) - 1) < 1e-5
    assert dot(question, near) > dot(question, far) + 0.2


def test_vectors_are_the_same_as_floats_and_base64_and_in_every_process(fake: FakeOpenAI) -> None:
    url = f"{fake.url}/embeddings"
    body: Any = {"model": "text-embedding-3-small", "input": "Shipping costs", "dimensions": 64}
    floats = httpx.post(url, json=body).json()["data"][0]["embedding"]
    with openai.OpenAI(base_url=fake.url, api_key="k") as client:  # asks for base64 by itself
        decoded = client.embeddings.create(**body).data[0].embedding
    assert floats == decoded == embed("Shipping costs", 64).tolist()
    assert embed("Shipping costs", 4).tolist() == pytest.approx(PINNED, abs=1e-4)


def test_an_empty_text_has_no_vector(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="text-embedding-3-small", input=["a", ""])


def test_five_hundred_streams_run_at_once(fake: FakeOpenAI) -> None:
    fake.always(Answer(words(3), ending="hang", after=2))
    answers = asyncio.run(open_many(fake, 500))
    assert len(answers) == 500
    assert all(answer.endswith("data: [DONE]\n\n") for answer in answers)


async def open_many(fake: FakeOpenAI, count: int) -> list[str]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        asking = [asyncio.create_task(read_stream(session, fake.url)) for _ in range(count)]
        await asyncio.to_thread(fake.wait_until, lambda: fake.open_streams == count, 20)
        fake.release()
        return await asyncio.gather(*asking)


async def read_stream(session: aiohttp.ClientSession, url: str) -> str:
    async with session.post(f"{url}/chat/completions", json=request_body(stream=True)) as answer:
        return await answer.text()


def test_another_process_is_scripted_over_http() -> None:
    with FakeOpenAIProcess() as fake, openai.OpenAI(base_url=fake.url, api_key="k") as client:
        fake.control(answer="From afar.")
        fake.control(fail={"status": 401, "code": "gone"}, times=1)
        assert ask(client) == "From afar."
        with pytest.raises(openai.AuthenticationError):
            ask(client)
        assert [request["path"] for request in fake.requests()] == ["/v1/chat/completions"] * 2
        assert fake.open_streams() == 0
        fake.control(reset=True)
        assert fake.requests() == []


def test_a_wrong_order_is_refused_with_the_known_words(fake: FakeOpenAI) -> None:
    url = fake.url.removesuffix("/v1") + "/_control"
    orders: list[Any] = [{"anwser": "x"}, {"fail": {"x": 1}}, []]
    refused = [httpx.post(url, json=order) for order in orders]
    assert [answer.status_code for answer in refused] == [400, 400, 400]
    assert "known" in refused[0].json()["error"]


def test_a_benchmark_server_answers_a_fixed_number_of_tokens() -> None:
    with FakeOpenAIProcess(tokens=20) as fake, openai.OpenAI(base_url=fake.url, api_key="k") as c:
        assert len(list(stream(c))) == 20 + 2


def test_a_fake_ends_at_once_whatever_is_open() -> None:
    with socket.socket() as idle, FakeOpenAI() as fake:
        fake.hang()
        idle.connect(("127.0.0.1", fake.port))
        body = json.dumps(request_body()).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        idle.sendall(head.encode() + body)
        fake.wait_until(lambda: fake.open_streams == 1)
        start = time.monotonic()
    assert time.monotonic() - start < 2
    assert not fake.requests[0].disconnected


def dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
