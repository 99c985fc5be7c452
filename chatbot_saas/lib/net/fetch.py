"""The one door to addresses that a client gave: websites, webhooks, logos.

Each address is checked before it is asked (guard), its name is resolved once and the connection
made to what was checked (names, connect), each redirect begins anew, and time, bytes and kinds of
content are limited. Nothing of ours goes along: no cookie, no proxy, no key.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import urljoin

import certifi
import httpcore
from django.conf import settings

from chatbot_saas.lib.net.connect import Deadline, PinnedBackend
from chatbot_saas.lib.net.content import PAGE, Fetched, Limits, body_of
from chatbot_saas.lib.net.errors import Blocked, Refused, TooSlow, Unreachable
from chatbot_saas.lib.net.guard import PORTS, Target, target_of
from chatbot_saas.lib.net.names import Resolver, system_resolver

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    headers: Mapping[str, str]
    body: bytes
    limits: Limits
    may_follow: Callable[[str], object] | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """How we go out. Tests have a resolver and a certificate authority of their own."""

    resolve: Resolver = system_resolver
    ports: frozenset[int] = frozenset(PORTS.values())
    trust: ssl.SSLContext | None = field(default=None, repr=False)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: Limits = PAGE,
        may_follow: Callable[[str], object] | None = None,
    ) -> Fetched:
        """Ask for `url`; `headers` go to it alone and not on to where it leads.

        `may_follow` is called with each address that a redirect leads to, and may raise.
        Raises a FetchError.
        """
        return self._send(url, _Call("GET", headers or {}, b"", limits, may_follow))

    def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        limits: Limits = PAGE,
    ) -> Fetched:
        """Send `body`. A redirect is not followed but a Refused. Raises a FetchError."""
        once = replace(limits, redirects=0)
        return self._send(url, _Call("POST", headers or {}, body, once))

    def _send(self, url: str, call: _Call) -> Fetched:
        deadline = Deadline(call.limits.seconds)
        target = target_of(url, ports=self.ports)
        for _ in range(call.limits.redirects + 1):
            answer = self._ask(target, call, deadline)
            if isinstance(answer, Fetched):
                return answer
            target = answer
            if call.may_follow:
                call.may_follow(target.url)
            call = replace(call, headers={})
        raise Blocked("This address leads on to others again and again.")

    def _ask(self, target: Target, call: _Call, deadline: Deadline) -> Fetched | Target:
        """What `target` answers, or where it leads."""
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=self.trust or _well_known_authorities(),
                    network_backend=PinnedBackend(self.resolve, deadline),
                ) as pool,
                pool.stream(
                    call.method,
                    httpcore.URL(
                        scheme=target.scheme, host=target.host, port=target.port, target=target.path
                    ),
                    headers=_headers(target, call),
                    content=call.body or None,
                ) as response,
            ):
                return self._answer(target, call, response)
        except httpcore.TimeoutException as error:
            raise TooSlow(f"“{target.host}” did not answer in time.") from error
        except httpcore.ConnectError as error:
            raise Unreachable(_why_not_connected(target, error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise Unreachable(f"“{target.host}” broke off, or does not speak HTTP.") from error

    def _answer(self, target: Target, call: _Call, response: httpcore.Response) -> Fetched | Target:
        headers = _as_text(response.headers)
        status = response.status
        if status in REDIRECTS and call.limits.redirects and "location" in headers:
            return target_of(_joined(target.url, headers["location"]), ports=self.ports)
        if status == NOT_MODIFIED:
            return Fetched(target.url, status, headers, b"")
        if not 200 <= status < 300:
            raise Refused(status, _seconds(headers.get("retry-after", "")))
        return Fetched(target.url, status, headers, body_of(response, headers, call.limits))


door = Door()


@lru_cache(maxsize=1)
def _well_known_authorities() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def _headers(target: Target, call: _Call) -> list[tuple[str, str]]:
    accepted = ", ".join(sorted(call.limits.types)) or "*/*"
    ours = {
        "Host": target.netloc,
        "User-Agent": settings.FETCH_USER_AGENT,
        "Accept": accepted,
        "Accept-Encoding": "gzip",
        "Connection": "close",
    }
    return [*(ours | dict(call.headers)).items()]


def _why_not_connected(target: Target, error: Exception) -> str:
    if isinstance(error.__cause__ or error.__context__, ssl.SSLError):
        return f"The certificate of “{target.host}” is not valid, so it cannot be trusted."
    return f"“{target.host}” does not accept connections."


def _as_text(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Of a header that stands there twice, the first."""
    found = dict[str, str]()
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), _decoded(value).strip())
    return found


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError as error:
        raise Blocked("This address leads on to one that is none.") from error


def _seconds(retry_after: str) -> int | None:
    return int(retry_after) if retry_after.isdecimal() and len(retry_after) < 8 else None
