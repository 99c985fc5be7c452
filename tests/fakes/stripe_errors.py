"""What the fake refuses, in Stripe's words."""

from __future__ import annotations

from typing import Any

DECLINED = "Your card was declined."


class Refused(Exception):
    """An answer that is an error; `stored` tells whether an idempotency key keeps it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        stored: bool = True,
        **more: str,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        self.error: dict[str, Any] = {"type": kind, "message": message, **more}

    @property
    def body(self) -> dict[str, Any]:
        return {"error": self.error}


def invalid(message: str, param: str = "", code: str = "") -> Refused:
    """A request that was understood and cannot be done."""
    refused = Refused(400, message)
    given = {"param": param, "code": code}
    refused.error |= {name: value for name, value in given.items() if value}
    return refused


def malformed(code: str, param: str, message: str) -> Refused:
    """A request that is refused before anything is done: its idempotency key stays free."""
    return Refused(400, message, stored=False, code=code, param=param)


def missing(noun: str, name: str, param: str = "id") -> Refused:
    """No such object: 404 for the one in the path, 400 for one that a parameter names."""
    status = 404 if param == "id" else 400
    return Refused(status, f"No such {noun}: '{name}'", code="resource_missing", param=param)


def declined() -> Refused:
    return Refused(
        402,
        DECLINED,
        kind="card_error",
        code="card_declined",
        decline_code="generic_decline",
    )


def unauthorized(key: str) -> Refused:
    text = f"Invalid API Key provided: {key}" if key else "You did not provide an API key."
    return Refused(401, text, stored=False)


def forbidden(key: str) -> Refused:
    text = f"The provided key '{key}' does not have the required permissions for this endpoint."
    return Refused(403, text, stored=False)


def unknown_url(method: str, path: str) -> Refused:
    return Refused(404, f"Unrecognized request URL ({method}: {path}).", stored=False)


def key_in_use() -> Refused:
    text = "There is currently another in-progress request using this Idempotent Key."
    return Refused(409, text, kind="idempotency_error", stored=False, code="idempotency_key_in_use")


def key_reused(key: str) -> Refused:
    text = (
        "Keys for idempotent requests can only be used with the same parameters they were first "
        f"used with. Try using a key other than '{key}' if you meant to execute another request."
    )
    return Refused(400, text, kind="idempotency_error", stored=False)


def injected(status: int) -> Refused:
    """A failure that a test asked for."""
    known = {
        402: declined(),
        409: Refused(409, "This object cannot be accessed right now.", code="lock_timeout"),
        429: Refused(429, "Request rate limit exceeded.", code="rate_limit"),
    }
    if status in known:
        return known[status]
    if status < 500:
        return Refused(status, "The fake was told to refuse this.")
    return Refused(status, "An unknown error occurred.", kind="api_error")
