"""What callers are told."""

from __future__ import annotations

import json

import pytest

from chatbot_saas.lib import errors

STATUSES = {
    errors.BadRequest: 400,
    errors.NotAuthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.TooLarge: 413,
    errors.UnsupportedType: 415,
    errors.TooManyRequests: 429,
}


@pytest.mark.parametrize(("error", "status"), STATUSES.items())
def test_each_mistake_has_its_status_and_the_body_of_the_interface(
    error: type[errors.CallerError], status: int
) -> None:
    response = error("some_code", "Do “this” instead.").response()
    assert response.status_code == status
    assert json.loads(response.content) == {
        "error": {"code": "some_code", "message": "Do “this” instead."}
    }
    assert "Retry-After" not in response


@pytest.mark.parametrize("seconds", [0, 30])
def test_how_long_to_wait_is_a_header(seconds: int) -> None:
    response = errors.TooManyRequests("slow_down", "Wait.", retry_after=seconds).response()
    assert response["Retry-After"] == str(seconds)


def test_the_log_shows_the_message() -> None:
    assert str(errors.NotFound("unknown_bot", "There is no bot.")) == "There is no bot."
