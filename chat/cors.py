"""The shell around the visitors' views: method, JSON, errors, and CORS for other sites."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from chatbot_saas.lib.errors import BadRequest, CallerError, Forbidden, UnsupportedType

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "7200",
}


class MethodNotAllowed(CallerError):
    status = 405

    def headers(self) -> dict[str, str]:
        return {"Allow": "POST, OPTIONS"}


def cross_origin(view: View) -> Callable[..., Any]:
    """POST from any site, without credentials; which sites may go on is the view's to say.

    A browser shows a page the answer only if it names the page's origin. It names every origin
    but a refused one, so that a site whose token has expired can read that it has.
    """

    @wraps(view)
    async def wrapper(request: HttpRequest) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return _open(request, HttpResponse(status=204, headers=PREFLIGHT))
        try:
            if request.method != "POST":
                raise MethodNotAllowed("method_not_allowed", "Use POST.")
            return _open(request, await view(request))
        except Forbidden as error:
            return _varying(error.response())
        except CallerError as error:
            return _open(request, error.response())

    return wrapper


def _open(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    origin = request.headers.get("Origin")
    if origin and origin != "null":
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = "Retry-After"
    return _varying(response)


def _varying(response: HttpResponseBase) -> HttpResponseBase:
    patch_vary_headers(response, ["Origin"])
    return response


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent; raises CallerError for anything else."""
    if request.content_type != "application/json":
        raise UnsupportedType("unsupported_type", "Send JSON: Content-Type: application/json.")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("invalid_json", "This is not valid JSON.") from error
    if not isinstance(body, dict):
        raise BadRequest("invalid_json", "Send a JSON object.")
    return {name: _storable(value) for name, value in body.items()}


def _storable(value: Any) -> Any:
    """A text without what JSON can say and no database can hold: NUL, and half letters."""
    if not isinstance(value, str):
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode()
