"""The server: who may ask, what goes wrong on the way, and the answers."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes import stripe_errors as errors
from tests.fakes.stripe_errors import Refused
from tests.fakes.stripe_events import Post
from tests.fakes.stripe_expand import answer
from tests.fakes.stripe_faults import Fault, Faults
from tests.fakes.stripe_idempotency import Answer, Keys, of_refusal
from tests.fakes.stripe_pages import Pages
from tests.fakes.stripe_params import check, decode
from tests.fakes.stripe_routes import route_of
from tests.fakes.stripe_store import VERSION, Json, Store

HOST = "127.0.0.1"
UNKNOWN_CAUSE: Json = {"id": None, "idempotency_key": None}


class Dropped(ConnectionResetError):
    """The connection was cut; aiohttp takes it for a client that left and is silent."""


@dataclass(slots=True)
class Recorded:
    """One request to the API. `key` shows only the ends of the key that was used."""

    method: str
    path: str
    params: dict[str, Any]
    idempotency_key: str
    key: str
    version: str
    status: int = 0
    replayed: bool = False
    id: str = field(default_factory=lambda: f"req_{secrets.token_hex(7)}")


class StripeApp:
    """The fake's state and its address; requests are answered on one event loop."""

    def __init__(self) -> None:
        self.store = Store()
        self.post = Post(self.store)
        self.faults = Faults()
        self.keys = Keys()
        self.requests: list[Recorded] = []
        self.accepted: set[str] = set()
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def listen(self, port: int) -> int:
        """Serve on loopback and return the port (0 asks for a free one)."""
        app = web.Application()
        app.router.add_route("*", "/v1/{rest:.*}", self._api)
        Pages(self.store).add_to(app)
        # Without handler_cancellation a handler that hangs never learns that its client left.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port, backlog=1024).start()
        taken = int(self._runner.addresses[0][1])
        self.store.url = f"http://{HOST}:{taken}"
        return taken

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def release(self) -> None:
        """Let everything that hangs now go on."""
        self._released.set()
        self._released = asyncio.Event()

    async def _api(self, request: web.Request) -> web.StreamResponse:
        secret = _secret(request)
        seen = await _recorded(request, secret)
        self.requests.append(seen)
        try:
            found, should_retry = await self._served(seen, secret)
        except Refused as error:
            found, should_retry = of_refusal(error), None
        except Dropped:
            if request.transport is not None:
                request.transport.close()
            raise
        seen.status = found.status
        return _response(seen, found, should_retry)

    async def _served(self, seen: Recorded, secret: str) -> tuple[Answer, bool | None]:
        """The answer, and whether Stripe's library is told to try again."""
        if not secret.startswith(("sk_", "rk_")) or (self.accepted and secret not in self.accepted):
            raise errors.unauthorized(seen.key)
        faults = self.faults.take(seen.method, seen.path, secret)
        if kept := self._begin(seen):
            seen.replayed = True
            return kept, None
        try:
            failed = await self._misbehave(seen, faults)
            if failed is not None and not failed.after:
                return _failure(failed), failed.retry
            found = self._run(seen)
        finally:
            self.keys.end(seen.idempotency_key)
        if failed is not None:
            return _failure(failed), failed.retry
        return found, None

    def _begin(self, seen: Recorded) -> Answer | None:
        if seen.method != "POST" or not seen.idempotency_key:
            return None
        return self.keys.begin(seen.idempotency_key, _fingerprint(seen), self.store.now)

    async def _misbehave(self, seen: Recorded, faults: list[Fault]) -> Fault | None:
        """Let the request wait or be refused; the failure that is its answer, if there is one."""
        by_kind = {one.kind: one for one in faults}
        if delay := by_kind.get("delay"):
            await asyncio.sleep(delay.seconds)
        if "hang" in by_kind:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._released.wait(), by_kind["hang"].seconds or None)
            raise Dropped
        if "forbid" in by_kind:
            raise errors.forbidden(seen.key)
        if drop := by_kind.get("drop"):
            if drop.after:
                self._run(seen)
            raise Dropped
        return by_kind.get("fail")

    def _run(self, seen: Recorded) -> Answer:
        """Do what is asked, alone; under an idempotency key the answer is kept."""
        with self.store.lock:
            self.store.cause = {"id": seen.id, "idempotency_key": seen.idempotency_key or None}
            try:
                found, stored = Answer(200, self._done(seen)), True
            except Refused as error:
                found, stored = of_refusal(error), error.stored
            finally:
                self.store.cause = UNKNOWN_CAUSE
        if stored and seen.method == "POST" and seen.idempotency_key:
            self.keys.keep(seen.idempotency_key, _fingerprint(seen), found, self.store.now)
        return found

    def _done(self, seen: Recorded) -> Json:
        route, name = route_of(seen.method, seen.path)
        params = check(seen.params, route.shape)
        is_read = seen.method == "GET"
        store = self.faults.view(self.store, seen.path) if is_read else self.store
        return answer(store, route.handler(store, params, name), params.get("expand", []))


def _secret(request: web.Request) -> str:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret if scheme == "Bearer" else ""


async def _recorded(request: web.Request, secret: str) -> Recorded:
    form = await request.post() if request.method == "POST" else {}
    pairs = [*request.query.items(), *((name, str(value)) for name, value in form.items())]
    return Recorded(
        request.method,
        request.path,
        decode(pairs),
        request.headers.get("Idempotency-Key", ""),
        f"{secret[:8]}…{secret[-4:]}" if secret else "",
        request.headers.get("Stripe-Version", ""),
    )


def _fingerprint(seen: Recorded) -> tuple[str, str, str]:
    return seen.method, seen.path, json.dumps(seen.params, sort_keys=True)


def _failure(fault: Fault) -> Answer:
    return of_refusal(errors.injected(fault.status))


def _response(seen: Recorded, found: Answer, should_retry: bool | None) -> web.Response:
    headers = {"Request-Id": seen.id, "Stripe-Version": seen.version or VERSION}
    if seen.idempotency_key:
        headers["Idempotency-Key"] = seen.idempotency_key
    if seen.replayed:
        headers["Idempotent-Replayed"] = "true"
    if should_retry is not None:
        headers["Stripe-Should-Retry"] = str(should_retry).lower()
    return web.json_response(found.body, status=found.status, headers=headers)
