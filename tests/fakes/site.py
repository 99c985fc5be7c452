"""Other people's websites on loopback: any number of hosts on one port, with scripted pages.

In a test: `site = web.site("shop.test"); site.page("/", "<p>Hello</p>"); …; site.asked`.
The product reaches them by FETCH_ALLOWED_PRIVATE="*.test=127.0.0.1:PORT".
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from tests.services.net import HOST

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """`seconds` passes before it is sent."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Asked:
    path: str
    status: int
    headers: dict[str, str]


class Site:
    """One host. Pages have an ETag unless `validates` is off."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.validates = True
        self.asked: list[Asked] = []
        self._replies: dict[str, Reply] = {}
        self._failures: dict[str, list[Reply]] = {}
        self._made: list[tuple[str, Callable[[str], str | None]]] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}/"

    @property
    def paths(self) -> list[str]:
        """What was asked for, without robots.txt, oldest first."""
        return [one.path for one in self.asked if one.path != "/robots.txt"]

    def page(self, path: str, html: str, *, seconds: float = 0.0) -> None:
        self.raw(path, html.encode(), HTML, seconds=seconds)

    def article(self, path: str, title: str, text: str, *links: str) -> None:
        """A page with a title, a text and links."""
        anchors = " ".join(f'<a href="{link}">{link}</a>' for link in links)
        main = f"<main><h1>{title}</h1><p>{text}</p></main><nav>{anchors}</nav>"
        self.page(path, f"<head><title>{title}</title></head><body>{main}</body>")

    def raw(self, path: str, body: bytes, kind: str = "", *, seconds: float = 0.0) -> None:
        headers = {"Content-Type": kind} if kind else {}
        self._replies[path] = Reply(body, 200, headers, seconds)

    def made(self, start: str, make: Callable[[str], str | None]) -> None:
        """HTML for each path that begins so, without end."""
        self._made.append((start, make))

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self._replies[path] = Reply(b"", status, {"Location": to})

    def robots(self, text: str) -> None:
        self.raw("/robots.txt", text.encode(), "text/plain")

    def sitemap(self, path: str, *urls: str, index: bool = False) -> None:
        outer, inner = ("sitemapindex", "sitemap") if index else ("urlset", "url")
        rows = "".join(f"<{inner}><loc>{url}</loc></{inner}>" for url in urls)
        body = f'<?xml version="1.0"?><{outer}>{rows}</{outer}>'
        self.raw(path, body.encode(), "application/xml")

    def remove(self, path: str, status: int = 404) -> None:
        self._replies[path] = Reply(b"not here", status)

    def fail(self, path: str, status: int, *, times: int = 1, **headers: str) -> None:
        """Answer the next requests so, and then as before."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._failures.setdefault(path, []).extend([Reply(b"", status, named)] * times)

    def answer(self, path: str, conditions: dict[str, str]) -> Reply:
        if failures := self._failures.get(path):
            return failures.pop(0)
        reply = self._replies.get(path) or self._make(path)
        if reply is None:
            return Reply(b"not found", 404, {"Content-Type": HTML})
        if not self.validates or reply.status != 200:
            return reply
        tag = f'"{hashlib.sha256(reply.body).hexdigest()[:16]}"'
        headers = reply.headers | {"ETag": tag}
        if conditions.get("If-None-Match") == tag:
            return Reply(b"", 304, headers)
        return Reply(reply.body, 200, headers, reply.seconds)

    def _make(self, path: str) -> Reply | None:
        for start, make in self._made:
            if path.startswith(start) and (html := make(path)) is not None:
                return Reply(html.encode(), 200, {"Content-Type": HTML})
        return None


class FakeWeb:
    """The server in a thread of its own; a context manager."""

    def __init__(self) -> None:
        self.port = 0
        self._sites: dict[str, Site] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def allowed(self) -> str:
        """The value of FETCH_ALLOWED_PRIVATE."""
        return f"*.test={HOST}:{self.port}"

    def site(self, host: str) -> Site:
        """The site of this host, empty when it is new."""
        return self._sites.setdefault(host, Site(host))

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        place = web.TCPSite(self._runner, HOST, 0)
        await place.start()
        self.port = self._runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        site = self._sites.get(request.host)
        if site is None:
            return web.Response(status=421)
        path = request.raw_path
        reply = site.answer(path, dict(request.headers))
        await asyncio.sleep(reply.seconds)
        site.asked.append(Asked(path, reply.status, dict(request.headers)))
        return web.Response(body=reply.body, status=reply.status, headers=reply.headers)
