"""Django's middlewares, arranged so that none of them costs an async view a thread.

Under ASGI Django runs each old-style middleware's hooks on a thread that the request then keeps
until its response has been sent: for an answer that streams for half a minute, half a minute.
`Inline` runs hooks that only compute on the event loop itself. `PagesOnly` leaves out whatever
touches the session, on the paths that know no cookie.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, cast

from allauth.usersessions.middleware import UserSessionsMiddleware
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.gzip import GZipMiddleware
from django.middleware.security import SecurityMiddleware
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from hijack.middleware import HijackUserMiddleware

from accounts.impersonation import refusal
from chatbot_saas.lib.errors import CallerError
from chatbot_saas.public import is_public

SESSION_NOTED_SECONDS = 300
PROVIDER_HOSTS = {"google": "https://accounts.google.com", "github": "https://github.com"}

AsyncNext = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class Inline(MiddlewareMixin):
    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        before = getattr(self, "process_request", None)
        after = getattr(self, "process_response", None)
        response = before(request) if before else None
        response = response or await cast(AsyncNext, self.get_response)(request)
        return after(request, response) if after else response


class PagesOnly(MiddlewareMixin):
    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        if is_public(request.path):
            return await cast(AsyncNext, self.get_response)(request)
        return await super().__acall__(request)


class Security(Inline, SecurityMiddleware):
    pass


class Compression(PagesOnly, GZipMiddleware):
    """Only whole pages: a stream must leave event by event, and files are compressed already."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        is_page = response.get("Content-Type", "").startswith("text/html")
        if response.streaming or not is_page:
            return response
        return super().process_response(request, cast(HttpResponse, response))


class ContentSecurityPolicy(Inline, CSPMiddleware):
    """Forms go to us alone, except the one that leads on to a provider's log-in.

    Browsers apply form-action to where a form is redirected as well.
    """

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if (host := _provider_host(request)) and not report_only:
            parts.update = {"form-action": [host]}
        return parts


def _provider_host(request: HttpRequest) -> str:
    """Where the button of this page leads, if it is the page of a provider that is set up."""
    pages = {f"{name}_login": PROVIDER_HOSTS[name] for name in settings.SOCIALACCOUNT_PROVIDERS}
    match = request.resolver_match
    return pages.get(match.url_name or "", "") if match else ""


class Common(Inline, CommonMiddleware):
    pass


class ClickJacking(Inline, XFrameOptionsMiddleware):
    pass


class Session(PagesOnly, SessionMiddleware):
    pass


class Messages(PagesOnly, MessageMiddleware):
    pass


class Authentication(PagesOnly, AuthenticationMiddleware):
    pass


class Csrf(PagesOnly, CsrfViewMiddleware):
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self._check_on_the_loop  # type: ignore[method-assign,assignment]

    async def _check_on_the_loop(self, *args: Any, **kwargs: Any) -> HttpResponseBase | None:
        return CsrfViewMiddleware.process_view(self, *args, **kwargs)


class Impersonation(PagesOnly, HijackUserMiddleware):
    """Staff in somebody else's session, and what they may not do there."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        super().process_request(request)
        error = refusal(request)
        return error_page(request, error) if error else None


class SessionList(PagesOnly):
    """Notes when and from where each session of a person was last used (allauth.usersessions).

    Every few minutes is enough, and spares each page a write.
    """

    def process_request(self, request: HttpRequest) -> None:
        key = request.session.session_key
        if key and cache.add(_noted_key(key), True, SESSION_NOTED_SECONDS):
            UserSessionsMiddleware(lambda _request: None)(request)


def _noted_key(session_key: str) -> str:
    # Who reads the cache must not find sessions in it.
    return "session-noted:" + hashlib.sha256(session_key.encode()).hexdigest()


class CallerErrors(MiddlewareMixin):
    """A CallerError that a page raised becomes a page, or JSON for programs, with its status."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, CallerError):
            return None
        if request.path.startswith("/api/") or request.content_type == "application/json":
            return error.response()  # a program, or a script of a page's
        return error_page(request, error)


def error_page(request: HttpRequest, error: CallerError) -> HttpResponse:
    context = {"title": error.title, "text": error.message}
    page = render(request, "site/error.html", context, status=error.status)
    for name, value in error.headers().items():
        page.headers[name] = value
    return page
