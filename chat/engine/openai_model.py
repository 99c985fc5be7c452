"""A chat model behind OpenAI's protocol.

A module of its own, because the library takes 25 MB of each process that loads it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from typing import Any, cast

import httpx2
from openai import (
    APIConnectionError,
    APIStatusError,
    AsyncAPIResponse,
    AsyncOpenAI,
    DefaultAioHttpClient,
    InternalServerError,
    Timeout,
)
from openai.types.chat import ChatCompletionMessageParam

from chat.engine.events import Usage
from chat.engine.llm import (
    Finish,
    KeyRefused,
    ModelBroken,
    ModelBusy,
    ModelDown,
    ModelError,
    ModelSilent,
)

CONNECT_SECONDS = 10.0

RETRY_SECONDS = 0.5
MOST_TOKENS = 800


class OpenAIModel:
    """A model behind OpenAI's API, or behind any server compatible with it.

    The bytes of the stream are parsed here: the library's stream objects cost six times as much
    processor time a token, and its default transport delays tokens when hundreds of streams are
    open (docs/decisions/streaming.md).
    """

    def __init__(
        self, name: str, *, api_key: str, base_url: str | None, silence_seconds: float
    ) -> None:
        self.name = name
        self.silence_seconds = silence_seconds
        # How long the model may be silent is counted here, piece by piece, not by the transport.
        timeout = Timeout(None, connect=CONNECT_SECONDS)
        self._client = AsyncOpenAI(
            api_key=api_key or "none",
            base_url=base_url,
            max_retries=0,
            timeout=timeout,
            http_client=DefaultAioHttpClient(timeout=timeout),
        )

    async def aclose(self) -> None:
        """Give the connections back; they belong to the event loop that opened them."""
        await self._client.close()

    async def stream(self, messages: Sequence[dict[str, str]]) -> AsyncIterator[str | Finish]:
        async with aclosing(self._pieces(messages)) as pieces:
            while (piece := await self._next(pieces)) is not None:
                yield piece

    async def _next(self, pieces: AsyncGenerator[str | Finish]) -> str | Finish | None:
        """The next piece; None after the last.

        Each may come in a task of its own (sse.keep_alive), so the time-out spans a single one.
        """
        try:
            async with asyncio.timeout(self.silence_seconds):
                return await anext(pieces, None)
        except TimeoutError as error:
            raise ModelSilent(f"{self.name}: silent for {self.silence_seconds} s") from error
        except APIStatusError as error:
            raise _by_status(self.name, error) from error
        except (APIConnectionError, httpx2.RequestError) as error:
            raise ModelDown(f"{self.name}: {type(error.__cause__ or error).__name__}") from error

    async def _pieces(self, messages: Sequence[dict[str, str]]) -> AsyncGenerator[str | Finish]:
        async with AsyncExitStack() as stack:
            response = await self._begun(stack, messages)
            chunks = _Chunks(self.name)
            async for data in response.iter_bytes():
                for piece in chunks.feed(data):
                    yield piece
                if chunks.ended:
                    break  # some servers keep the connection open after their last word
            yield chunks.finish()

    async def _begun(
        self, stack: AsyncExitStack, messages: Sequence[dict[str, str]]
    ) -> AsyncAPIResponse[Any]:
        """An answer that has begun. Tried twice, but a busy model's wait is the visitor's to know.

        The library's own retries would sleep through it, for up to two minutes.
        """
        try:
            return await stack.enter_async_context(self._request(messages))
        except (APIConnectionError, InternalServerError):
            await asyncio.sleep(RETRY_SECONDS)
        return await stack.enter_async_context(self._request(messages))

    def _request(
        self, messages: Sequence[dict[str, str]]
    ) -> AbstractAsyncContextManager[AsyncAPIResponse[Any]]:
        return self._client.chat.completions.with_streaming_response.create(
            model=self.name,
            messages=cast(list[ChatCompletionMessageParam], messages),
            stream=True,
            stream_options={"include_usage": True},
            max_completion_tokens=MOST_TOKENS,
        )


class _Chunks:
    """Server-sent events of chat completion chunks, from bytes cut anywhere."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rest = b""
        self.reason = ""
        self.ended = False
        self.usage = Usage()

    def feed(self, data: bytes) -> Iterator[str]:
        """The texts in `data`; what stands before a broken chunk comes before the trouble."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if text := self._text(line):
                yield text

    def finish(self) -> Finish:
        if not self.reason:
            raise ModelBroken(f"{self.name}: the stream ended before the answer did")
        return Finish(self.reason, self.usage)

    def _text(self, line: bytes) -> str:
        if not line.startswith(b"data:"):
            return ""
        data = line[5:].strip()
        if data == b"[DONE]":
            self.reason, self.ended = self.reason or "stop", True
            return ""
        try:
            return self._delta(json.loads(data))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelBroken(f"{self.name}: a chunk that is none") from error

    def _delta(self, chunk: dict[str, Any]) -> str:
        if chunk.get("error"):
            raise ModelBroken(f"{self.name}: an error within the stream")
        if usage := chunk.get("usage"):
            self.usage = Usage(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
        text = ""
        for choice in chunk.get("choices") or ():
            self.reason = choice.get("finish_reason") or self.reason
            text += (choice.get("delta") or {}).get("content") or ""
        return text if text.isascii() else _whole_letters(text)


def _whole_letters(text: str) -> str:
    """Without half letters (lone surrogates), which JSON can hold but neither wire nor database."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _by_status(name: str, error: APIStatusError) -> ModelError:
    status = error.status_code
    said = f"{name}: status {status}"
    if status in {401, 403}:
        return KeyRefused(said)
    if status == 429:
        return ModelBusy(said, _seconds(error.response.headers.get("retry-after")))
    return ModelDown(said) if status >= 500 else ModelBroken(said)


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
