"""The ASGI application: body limit, static files, then Django in two manners.

Pages and the client's API run on a thread of each request's own. The public paths, whose answers
may stream for a long time, run in a handler that gives a request none.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_saas.settings")

import django

django.setup()

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from servestatic import ServeStaticASGI

from chat import model
from chatbot_saas.body_limit import BodyLimit
from chatbot_saas.lib.threads import KeptThreads
from chatbot_saas.public import is_public
from chatbot_saas.upload_door import UploadDoor

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class PagesHandler(ASGIHandler):
    """Django on the thread of the request, in one go: nearly all here is synchronous.

    ASGIHandler makes a thread for each request, and goes there and back for each hook of each
    middleware.
    """

    def __init__(self) -> None:
        super().__init__()
        self.threads = KeptThreads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.threads.one():
            await self.handle(scope, receive, send)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response)(request)


class PublicHandler(ASGIHandler):
    """Django without the thread that it otherwise keeps for each request until it has ended."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # ASGIHandler wraps this call in a ThreadSensitiveContext; without one, the few
        # synchronous signal receivers of a request run on one shared thread.
        await self.handle(scope, receive, send)


class Django:
    def __init__(self) -> None:
        self.pages = PagesHandler()
        self.public = PublicHandler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        handler = self.public if is_public(scope["path"]) else self.pages
        await handler(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def build() -> BodyLimit:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    model.load()
    static = ServeStaticASGI(
        Django(),
        root=str(settings.STATIC_ROOT),
        prefix=settings.STATIC_URL,
        max_age=60,
        # Other sites import the widget's modules.
        allow_all_origins=True,
        immutable_file_test=r"\.[0-9a-f]{12}\.",
    )
    return BodyLimit(UploadDoor(static))


application = build()
