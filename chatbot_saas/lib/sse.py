"""Server-sent events: how an event looks on the wire, and how a silent stream is kept open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence

from django.http import StreamingHttpResponse

KEEP_ALIVE_SECONDS = 15.0
COMMENT = b": keep-alive\n\n"


def encode(name: str, data: Mapping[str, object] | Sequence[object]) -> bytes:
    """One named event. JSON never contains a raw line end, so one data line holds it."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {body}\n\n".encode()


async def keep_alive(
    events: AsyncIterator[bytes], *, seconds: float = KEEP_ALIVE_SECONDS
) -> AsyncIterator[bytes]:
    """Pass `events` on, with a comment whenever none came for `seconds`.

    The pending event is awaited under a shield: a time-out must not cancel the model behind it.
    When the reader leaves, the pending event is cancelled and the source closed at once.
    """
    pending: asyncio.Future[bytes] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({pending}, timeout=seconds)
            if not done:
                yield COMMENT
                continue
            finished, pending = pending, None
            try:
                event = finished.result()
            except StopAsyncIteration:
                return
            yield event
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})
        if (close := getattr(events, "aclose", None)) is not None:
            await close()


def stream(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """A response that proxies neither buffer nor cache."""
    return StreamingHttpResponse(
        keep_alive(events),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
