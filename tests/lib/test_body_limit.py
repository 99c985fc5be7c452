"""Bodies that are too large, refused before they are read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.urls import reverse
from pytest_django.fixtures import Settings

from chatbot_saas.body_limit import MOST_IMPORT_BYTES, MULTIPART_SLACK, BodyLimit, limit_for

MOST = 1000
Event = dict[str, Any]


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.MAX_BODY_BYTES = MOST
    settings.MAX_UPLOAD_BYTES = 10 * MOST


class Exchange:
    """One request to an application that reads all of its body and answers with its length."""

    def __init__(
        self,
        *pieces: bytes,
        path: str = "/api/chat",
        method: str = "POST",
        declared: bytes | None = None,
    ):
        headers = [(b"host", b"x")]
        if declared is not None:
            headers.append((b"content-length", declared))
        self.scope: Any = {"type": "http", "method": method, "path": path, "headers": headers}
        self.events: list[Event] = [
            {"type": "http.request", "body": piece, "more_body": place < len(pieces)}
            for place, piece in enumerate(pieces, 1)
        ]
        self.taken = 0
        self.sent: list[Event] = []
        asyncio.run(self._run())

    async def _run(self) -> None:
        receive: Any = self._receive
        send: Any = self._send
        await BodyLimit(_echo)(self.scope, receive, send)

    async def _receive(self) -> Event:
        self.taken += 1
        return self.events.pop(0) if self.events else {"type": "http.disconnect"}

    async def _send(self, event: Event) -> None:
        self.sent.append(event)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.sent[1:])


async def _echo(
    scope: Any, receive: Callable[[], Awaitable[Event]], send: Callable[[Event], Awaitable[None]]
) -> None:
    size, more = 0, True
    while more:
        event = await receive()
        size += len(event.get("body", b""))
        more = event.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.mark.parametrize("size", [0, 1, MOST])
def test_a_body_within_the_limit_passes_untouched(size: int) -> None:
    exchange = Exchange(b"x" * size, declared=str(size).encode())
    assert (exchange.status, exchange.body) == (200, str(size).encode())


def test_a_declared_length_beyond_the_limit_is_refused_unread() -> None:
    exchange = Exchange(b"x" * MOST, declared=str(MOST + 1).encode())
    assert exchange.status == 413
    assert exchange.taken == 0


@pytest.mark.parametrize("declared", [None, b"5", b"0", b"-1", b"nonsense", b""])
def test_a_body_that_grows_beyond_the_limit_is_refused_whatever_was_declared(
    declared: bytes | None,
) -> None:
    exchange = Exchange(*[b"x" * 400] * 10, declared=declared)
    assert exchange.status == 413
    assert exchange.taken == 3


def test_a_body_of_many_pieces_within_the_limit_passes() -> None:
    exchange = Exchange(*[b"x" * 100] * 10)
    assert (exchange.status, exchange.body) == (200, b"1000")


def test_the_refusal_is_json_and_ends_the_connection() -> None:
    exchange = Exchange(b"", declared=b"5000")
    headers = dict(exchange.sent[0]["headers"])
    assert json.loads(exchange.body)["error"]["code"] == "too_large"
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(exchange.body)).encode()
    assert headers[b"connection"] == b"close"
    assert exchange.sent[-1]["more_body"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/documents"),
        ("POST", "/app/knowledge/upload/"),
        ("PUT", "/api/documents/src_1"),
        ("POST", "/app/knowledge/src_1/replace/"),
    ],
)
def test_uploads_may_be_as_large_as_a_file_and_no_larger(method: str, path: str) -> None:
    most = 10 * MOST + MULTIPART_SLACK
    assert limit_for({"method": method, "path": path}) == most
    assert Exchange(b"x" * 10 * MOST, path=path, method=method).status == 200
    assert Exchange(b"x" * most, b"x", path=path, method=method).status == 413


@pytest.mark.parametrize(
    "path", ["/api/documents/", "/api/documents/doc_1", "/API/DOCUMENTS", "//api/documents"]
)
def test_only_the_upload_itself_may_be_large(path: str) -> None:
    assert Exchange(b"x" * (MOST + 1), path=path).status == 413


def test_a_visitor_who_leaves_while_sending_is_no_large_body() -> None:
    assert Exchange(b"x" * 10).status == 200


def test_what_is_no_request_passes_untouched() -> None:
    seen: list[str] = []

    async def application(scope: Any, receive: object, send: object) -> None:
        seen.append(scope["type"])

    nothing: Any = None
    for kind in ("lifespan", "websocket"):
        scope: Any = {"type": kind}
        asyncio.run(BodyLimit(application)(scope, nothing, nothing))
    assert seen == ["lifespan", "websocket"]


def test_trouble_of_the_application_is_not_taken_for_a_large_body() -> None:
    async def application(scope: object, receive: object, send: object) -> None:
        raise RuntimeError("broken")

    scope: Any = {"type": "http", "method": "GET", "path": "/", "headers": []}
    nothing: Any = None
    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(BodyLimit(application)(scope, nothing, nothing))


def test_a_list_that_is_imported_may_be_larger_than_a_form() -> None:
    path = "/app/knowledge/faqs/import/"
    assert reverse("import_faqs") == path
    most = limit_for({"method": "POST", "path": path})
    assert most == MOST_IMPORT_BYTES + MULTIPART_SLACK
    too_large = str(most + 1).encode()
    assert Exchange(b"x", path=path, declared=too_large).status == 413
