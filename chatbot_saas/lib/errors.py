"""What callers are told when they may not have what they asked for.

CallerError
├── BadRequest          400
├── NotAuthenticated    401
├── Forbidden           403
├── NotFound            404
├── Conflict            409
├── TooLarge            413
├── UnsupportedType     415
├── TooManyRequests     429
└── the apps' own, such as billing's PaymentRequired 402
"""

from __future__ import annotations

from django.http import JsonResponse


class CallerError(Exception):
    """A caller's mistake: a status, a code for programs, a sentence for people."""

    status = 400
    title = "That did not work"  # of the page that people get

    def __init__(self, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def body(self) -> dict[str, dict[str, str]]:
        return {"error": {"code": self.code, "message": self.message}}

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}

    def response(self) -> JsonResponse:
        return JsonResponse(self.body(), status=self.status, headers=self.headers())


class BadRequest(CallerError):
    status = 400


class NotAuthenticated(CallerError):
    status = 401


class Forbidden(CallerError):
    status = 403
    title = "That is not yours to do"


class NotFound(CallerError):
    status = 404
    title = "There is nothing here"


class Conflict(CallerError):
    """The request is fine, but what it is about has changed or stands against it."""

    status = 409


class TooLarge(CallerError):
    status = 413


class UnsupportedType(CallerError):
    status = 415


class TooManyRequests(CallerError):
    status = 429
    title = "A little slower, please"
