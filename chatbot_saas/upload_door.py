"""Ask who uploads before reading the upload: strangers do not get to fill the disk."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http.cookie import parse_cookie

from accounts.api import bearer_key
from chatbot_saas.body_limit import declared_length, is_import, is_upload, respond
from chatbot_saas.lib.errors import CallerError, NotAuthenticated
from chatbot_saas.lib.threads import in_thread


class UploadDoor:
    """ASGI wrapper: 401 at once, for a large upload without a usable key or a session.

    The view checks again, and whether the caller may write. This is about the gigabytes before it:
    a body that any other address would take as well is left to the view alone.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and _is_large(scope):
            try:
                await in_thread(_require_known, dict(scope["headers"]))
            except CallerError as error:
                await respond(send, error)
                return
        await self.application(scope, receive, send)


def _is_large(scope: Any) -> bool:
    """Or may become so: of some nobody says how long they are."""
    if not (is_upload(scope) or is_import(scope)):
        return False
    length = declared_length(scope)
    return length is None or length > settings.MAX_BODY_BYTES


def _require_known(headers: dict[bytes, bytes]) -> None:
    if bearer_key(headers.get(b"authorization", b"").decode("latin-1")) is not None:
        return
    if not _has_session(headers.get(b"cookie", b"").decode("latin-1")):
        raise NotAuthenticated("not_authenticated", "Send an API key: Authorization: Bearer sk_…")


def _has_session(header: str) -> bool:
    # As Django reads it: the standard library stops at the first cookie that is not quite right,
    # and such cookies of others come along.
    cookie = parse_cookie(header).get(settings.SESSION_COOKIE_NAME)
    if not cookie:
        return False
    store = import_module(settings.SESSION_ENGINE).SessionStore(cookie)
    return SESSION_KEY in store
