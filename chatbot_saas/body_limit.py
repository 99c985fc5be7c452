"""Refuse a body that is too large before reading it: Django would first spool all of it to disk."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, Scope
from django.conf import settings

from chatbot_saas.lib.errors import CallerError, TooLarge

UPLOADS = re.compile(
    r"POST (/api/documents|/app/knowledge/upload/|/app/knowledge/[^/]+/replace/)"
    r"|PUT /api/documents/[^/]+"
)
# Lists that are read in the request, and larger than any form.
IMPORTS = re.compile(r"POST /app/knowledge/faqs/import/")
MOST_IMPORT_BYTES = 10 * 1024 * 1024
# Boundaries and the other fields of a multipart body that carries a file of the largest size.
MULTIPART_SLACK = 64 * 1024


class BodyTooLarge(Exception):
    """The body grew past the limit while it was being read."""


class BodyLimit:
    """ASGI wrapper: 413 by Content-Length, or once a body of unknown length has grown too far."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        most = limit_for(scope)
        if (declared_length(scope) or 0) > most:
            await _refuse(send, most)
            return
        try:
            await self.application(scope, _counted(receive, most), send)
        except BodyTooLarge:
            await _refuse(send, most)


def is_upload(scope: Mapping[str, object]) -> bool:
    return bool(UPLOADS.fullmatch(_asked(scope)))


def is_import(scope: Mapping[str, object]) -> bool:
    return bool(IMPORTS.fullmatch(_asked(scope)))


def _asked(scope: Mapping[str, object]) -> str:
    return f"{scope['method']} {scope['path']}"


def limit_for(scope: Mapping[str, object]) -> int:
    if is_upload(scope):
        return int(settings.MAX_UPLOAD_BYTES) + MULTIPART_SLACK
    if is_import(scope):
        return MOST_IMPORT_BYTES + MULTIPART_SLACK
    return int(settings.MAX_BODY_BYTES)


def declared_length(scope: Any) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def _counted(receive: ASGIReceiveCallable, most: int) -> ASGIReceiveCallable:
    seen = 0

    async def counted() -> ASGIReceiveEvent:
        nonlocal seen
        event = await receive()
        if event["type"] == "http.request":
            seen += len(event.get("body", b""))
            if seen > most:
                raise BodyTooLarge
        return event

    return counted


async def _refuse(send: ASGISendCallable, most: int) -> None:
    size = f"{most // (1024 * 1024)} MB"
    await respond(
        send, TooLarge("too_large", f"That is too large: at most {size} can be sent here.")
    )


async def respond(send: Any, error: CallerError) -> None:
    """Answer with an error while the rest of the body stays unread."""
    body = json.dumps(error.body()).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # With an unread body on it the connection cannot be used again.
        (b"connection", b"close"),
    ]
    start = {"type": "http.response.start", "status": error.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
