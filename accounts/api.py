"""How programs and the dashboard enter the client's API: keys, sessions, scopes, errors."""

from __future__ import annotations

from typing import Any, cast

from django.http import Http404, HttpRequest
from rest_framework import exceptions, status
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys, limits, permits
from accounts.access import membership_of
from accounts.models import ApiKey, Client, User
from accounts.roles import Act
from chatbot_saas.lib.errors import CallerError, NotAuthenticated

SCHEME = "Bearer "
CODES = {
    status.HTTP_400_BAD_REQUEST: "invalid",
    status.HTTP_401_UNAUTHORIZED: "not_authenticated",
    status.HTTP_403_FORBIDDEN: "forbidden",
    status.HTTP_404_NOT_FOUND: "not_found",
    status.HTTP_405_METHOD_NOT_ALLOWED: "method_not_allowed",
    status.HTTP_413_REQUEST_ENTITY_TOO_LARGE: "too_large",
    status.HTTP_415_UNSUPPORTED_MEDIA_TYPE: "unsupported_type",
}


def is_bearer(authorization: str) -> bool:
    return authorization.startswith(SCHEME)


def bearer_key(authorization: str) -> ApiKey | None:
    """The usable key of an Authorization header; None when the header names no key at all."""
    if not is_bearer(authorization):
        return None
    key = keys.find(authorization.removeprefix(SCHEME).strip())
    if key is None:
        raise NotAuthenticated("invalid_key", "This API key is unknown, expired or revoked.")
    return key


class KeyAuthentication(BaseAuthentication):
    """Authorization: Bearer sk_…"""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        key = bearer_key(request.headers.get("Authorization", ""))
        if key is None:
            return None
        cast(Any, request).client = key.client
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MemberAuthentication(SessionAuthentication):
    """The dashboard's session cookie, with CSRF."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found = super().authenticate(request)
        membership = membership_of(request._request) if found else None
        if found is None or membership is None:
            return None
        cast(Any, request).client = membership.client
        cast(Any, request).membership = membership
        return cast(User, found[0]), None


class HasClient(BasePermission):
    """A key with the scope, or a member with the role, that the method needs."""

    scope = ""
    act = Act.EDIT_KNOWLEDGE

    def has_permission(self, request: Request, view: object) -> bool:
        client: Client | None = getattr(request, "client", None)
        if client is None:
            raise exceptions.NotAuthenticated("Send an API key: Authorization: Bearer sk_…")
        limits.spend(cast(HttpRequest, request), "api_client", client.public_id)
        scope = self.scope or ("read" if request.method in SAFE_METHODS else "write")
        if isinstance(request.auth, ApiKey):
            permits.require_edit(client)
            return request.auth.allows(scope)
        if scope != "read" or client.dashboard != Client.Dashboard.FULL:
            permits.require_edit(client)
        needed = Act.VIEW if scope == "read" else self.act
        return bool(cast(Any, request).membership.may(needed))


class MayRead(HasClient):
    """For questions that are too long for a GET."""

    scope = "read"


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as {"error": {"code", "message"}}; None lets a real fault become a 500."""
    if isinstance(error, CallerError):
        return Response(error.body(), status=error.status, headers=error.headers())
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if not isinstance(error, exceptions.APIException):
        return None
    code = CODES.get(error.status_code, "error")
    body = {"error": {"code": code, "message": _first_sentence(error.detail)}}
    return Response(body, status=error.status_code, headers=_headers(error))


def _headers(error: exceptions.APIException) -> dict[str, str]:
    challenge = getattr(error, "auth_header", None)
    return {"WWW-Authenticate": challenge} if challenge else {}


def _first_sentence(detail: Any) -> str:
    """DRF's nested details, flattened to "field: what is wrong" of the first field."""
    if isinstance(detail, dict):
        field, inner = next(iter(detail.items()))
        return f"{field}: {_first_sentence(inner)}"
    if isinstance(detail, list):
        return _first_sentence(detail[0])
    return str(detail)
