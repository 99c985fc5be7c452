"""The endpoints of the fake, on whatever event loop runs them."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from aiohttp import web

from tests.fakes import openai_embeddings
from tests.fakes.openai_replies import Answer, Fail, Garbage, Hang, quote_first_passage, tokens
from tests.fakes.openai_script import BadOrder, Endpoint, Recorded, Script
from tests.fakes.openai_wire import BadRequest, Completion, check_chat, error, event, models

Handler = Callable[[web.Request, Recorded], Awaitable[web.StreamResponse]]

HOST = "127.0.0.1"
LARGEST_BODY = 256 * 1024 * 1024
SECRET_HEADERS = frozenset({"authorization", "api-key", "x-api-key"})
STREAM_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
BROKEN_JSON = '{"id":"chatcmpl-broken","choices":[{"index":0,"delta":{"content":"half a tok'
HTML = "<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"


class Dropped(ConnectionResetError):
    """The script cut the connection; aiohttp takes it for a client that left and is silent."""


class OpenAIApp:
    """The server's state and endpoints; everything runs on one event loop."""

    def __init__(self, *, keep: int | None = None) -> None:
        self.script = Script()
        self.requests: deque[Recorded] = deque(maxlen=keep)
        self.open_streams = 0
        self._count = 0
        self._closing = False
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def listen(self, port: int) -> int:
        """Serve on loopback and return the port (0 asks for a free one)."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post("/v1/chat/completions", self._recorded("chat", self._chat))
        app.router.add_post("/v1/embeddings", self._recorded("embeddings", self._embeddings))
        app.router.add_get("/v1/models", self._recorded("models", self._models))
        app.router.add_post("/_control", self._control)
        app.router.add_get("/_requests", self._requests)
        # Without handler_cancellation a handler that waits never learns that its client left.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port, backlog=2048).start()
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening and cut what is still open."""
        self._closing = True
        if self._runner is not None:
            await self._runner.cleanup()

    def release(self) -> None:
        """Let everything that hangs now go on."""
        self._released.set()
        self._released = asyncio.Event()

    def reset(self) -> None:
        """Forget the script and the requests, and let go of what hangs."""
        self.script.clear()
        self.requests.clear()
        self.release()

    def _recorded(
        self, endpoint: Endpoint, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            seen = await self._note(request)
            with self._watched(seen, endpoint):
                try:
                    response = await handler(request, seen)
                except BadRequest as wrong:
                    response = _failed(Fail(400, message=str(wrong)))
                seen.finished = True
                return response

        return handle

    async def _note(self, request: web.Request) -> Recorded:
        headers = {name.lower(): value for name, value in request.headers.items()}
        public = {name: value for name, value in headers.items() if name not in SECRET_HEADERS}
        self._count += 1
        seen = Recorded(
            self._count, request.path, await _json(request), public, "authorization" in headers
        )
        self.requests.append(seen)
        return seen

    @contextmanager
    def _watched(self, seen: Recorded, endpoint: Endpoint) -> Iterator[None]:
        self.open_streams += endpoint == "chat"
        try:
            yield
        except Dropped:
            raise
        except (asyncio.CancelledError, ConnectionError):
            seen.disconnected = not self._closing
            raise
        finally:
            self.open_streams -= endpoint == "chat"
            seen.ended_at = time.time()

    async def _chat(self, request: web.Request, seen: Recorded) -> web.StreamResponse:
        check_chat(seen.body)
        reply = self.script.take("chat", seen.body) or Answer(quote_first_passage)
        if not isinstance(reply, Answer):
            return await self._misbehave(request, reply, streaming=bool(seen.body.get("stream")))
        await asyncio.sleep(reply.pause_before)
        if seen.body.get("stream"):
            return await self._stream(request, seen, reply)
        return await self._whole(request, seen, reply)

    async def _embeddings(self, request: web.Request, seen: Recorded) -> web.StreamResponse:
        reply = self.script.take("embeddings", seen.body)
        if reply is not None and not isinstance(reply, Answer):
            return await self._misbehave(request, reply)
        return web.json_response(openai_embeddings.answer(seen.body))

    async def _models(self, request: web.Request, seen: Recorded) -> web.StreamResponse:
        reply = self.script.take("models", seen.body)
        if reply is not None and not isinstance(reply, Answer):
            return await self._misbehave(request, reply)
        return web.json_response(models())

    async def _misbehave(
        self, request: web.Request, reply: Fail | Garbage | Hang, *, streaming: bool = False
    ) -> web.StreamResponse:
        if isinstance(reply, Fail):
            return _failed(reply)
        if isinstance(reply, Hang):
            await self._hang(reply.seconds)
            raise _cut(request)
        return _garbage(reply, streaming=streaming)

    async def _stream(
        self, request: web.Request, seen: Recorded, answer: Answer
    ) -> web.StreamResponse:
        completion = Completion(seen.body)
        parts = tokens(_text(answer, completion))
        out = _Stream(completion, answer, seen)
        await out.open(request)
        shown = parts if answer.ending == "stop" else parts[: answer.after]
        await out.send(shown)
        if answer.ending == "drop":
            raise _cut(request)
        if answer.ending == "error":
            await out.write(event(error(Fail(500))))
            return out.response
        if answer.ending == "garbage":
            await out.write(f"data: {BROKEN_JSON}\n\n".encode())
        if answer.ending == "hang":
            await self._hang()
            await out.send(parts[answer.after :])
        await out.finish()
        return out.response

    async def _whole(
        self, request: web.Request, seen: Recorded, answer: Answer
    ) -> web.StreamResponse:
        completion = Completion(seen.body)
        text = _text(answer, completion)
        if answer.tokens_per_second:
            await asyncio.sleep(len(tokens(text)) / answer.tokens_per_second)
        if answer.ending == "error":
            return _failed(Fail(500))
        if answer.ending == "hang":
            await self._hang()
        body = json.dumps(completion.whole(text, answer.finish_reason)).encode()
        if answer.ending == "drop":
            await _half(request, body)
            raise _cut(request)
        seen.tokens_sent = len(tokens(text))
        sent = body[: len(body) // 2] if answer.ending == "garbage" else body
        return web.Response(body=sent, content_type="application/json", headers=_ids())

    async def _hang(self, seconds: float | None = None) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._released.wait(), seconds)

    async def _control(self, request: web.Request) -> web.StreamResponse:
        order = await _json(request)
        try:
            if not isinstance(order, dict):
                raise BadOrder("an order is a JSON object")
            if order.get("reset"):
                self.reset()
            if order.get("release"):
                self.release()
            self.script.obey(order)
        except BadOrder as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response({"queued": len(self.script)})

    async def _requests(self, _: web.Request) -> web.StreamResponse:
        seen = [asdict(one) for one in self.requests]
        return web.json_response({"requests": seen, "open_streams": self.open_streams})


class _Stream:
    """One streamed answer, in time and in the pieces that were asked for."""

    def __init__(self, completion: Completion, answer: Answer, seen: Recorded) -> None:
        self.response = web.StreamResponse(headers={**STREAM_HEADERS, **_ids()})
        self._completion = completion
        self._answer = answer
        self._seen = seen

    async def open(self, request: web.Request) -> None:
        """Send the headers and say who speaks."""
        await self.response.prepare(request)
        await self.write(self._completion.role())

    async def send(self, parts: list[str]) -> None:
        """Send tokens at the answer's pace; without one, all in one piece."""
        chunks = [self._completion.token(part) for part in parts]
        if not self._answer.tokens_per_second:
            await self.write(b"".join(chunks))
            self._seen.tokens_sent += len(chunks)
            return
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number, chunk in enumerate(chunks, start=1):
            await self.write(chunk)
            self._seen.tokens_sent += 1
            # Against the clock and not the last token: a late token does not delay the others.
            due = start + number / self._answer.tokens_per_second
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def finish(self) -> None:
        """Send the reason, the usage and the end mark."""
        await self.write(
            self._completion.ending(self._answer.finish_reason, self._seen.tokens_sent)
        )

    async def write(self, data: bytes) -> None:
        """Send bytes, cut into fragments where the answer wants it."""
        size = self._answer.fragment or len(data) or 1
        for start in range(0, len(data), size):
            await self.response.write(data[start : start + size])
            if self._answer.fragment:
                await asyncio.sleep(0)


def _text(answer: Answer, completion: Completion) -> str:
    return answer.text if isinstance(answer.text, str) else answer.text(completion.prompt)


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read() or b"null")
    except ValueError:
        return None


def _ids() -> dict[str, str]:
    return {"x-request-id": f"req_{uuid.uuid4().hex}", "openai-processing-ms": "1"}


def _failed(fail: Fail) -> web.Response:
    wait = {} if fail.retry_after is None else {"Retry-After": f"{fail.retry_after:g}"}
    return web.json_response(error(fail), status=fail.status, headers={**_ids(), **wait})


def _garbage(garbage: Garbage, *, streaming: bool) -> web.Response:
    if garbage.kind == "html":
        return web.Response(text=HTML, content_type="text/html")
    if streaming:
        return web.Response(body=f"data: {BROKEN_JSON}\n\n".encode(), headers=STREAM_HEADERS)
    return web.Response(text=BROKEN_JSON, content_type="application/json")


async def _half(request: web.Request, body: bytes) -> None:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])


def _cut(request: web.Request) -> Dropped:
    # close() and not abort(): what was sent before still arrives, so a test can count on it.
    if request.transport is not None:
        request.transport.close()
    return Dropped("the script cut the connection")
