"""Events on the wire, word for word as docs promise them."""

from __future__ import annotations

import json

import pytest

from chat.engine.events import (
    Citations,
    Cited,
    Delta,
    Done,
    Event,
    Failed,
    Start,
    Usage,
    on_the_wire,
)

CITED = Cited(1, "src_1", "Returns", "https://shop.example", "Thirty days.", 5, 17)
CITED_FIELDS = ["number", "source_id", "title", "url", "quote", "start", "end"]


@pytest.mark.parametrize(
    ("event", "name", "data"),
    [
        (Start("con_1", "msg_1"), "start", {"conversation": "con_1", "message_id": "msg_1"}),
        (Delta("Thirty "), "delta", {"text": "Thirty "}),
        (Citations([]), "citations", []),
        (Failed("model_down", "Later."), "error", {"code": "model_down", "message": "Later."}),
        (
            Failed("model_busy", "Later.", 30),
            "error",
            {"code": "model_busy", "message": "Later.", "retry_after": 30},
        ),
        (
            Failed("model_busy", "Later.", 0),
            "error",
            {"code": "model_busy", "message": "Later.", "retry_after": 0},
        ),
    ],
)
def test_an_event_has_the_name_and_fields_of_the_interface(
    event: Event, name: str, data: object
) -> None:
    assert on_the_wire(event) == (name, data)


def test_the_last_event_tells_how_it_went() -> None:
    name, data = on_the_wire(Done(True, "length", Usage(11, 4), "token"))
    assert name == "done"
    assert data == {
        "answered": True,
        "finish_reason": "length",
        "usage": {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15},
        "token": "token",
        "audio_url": None,
        "suggestions": [],
    }


def test_a_page_is_told_only_where_there_are_pages() -> None:
    _, (plain,) = on_the_wire(Citations([CITED]))
    assert list(plain) == CITED_FIELDS
    paged = Cited(**(CITED.as_json() | {"page": 3})).as_json()
    assert list(paged) == [*CITED_FIELDS, "page"]
    assert paged["page"] == 3


def test_every_event_is_json() -> None:
    events: list[Event] = [Start("c", "m"), Delta("x"), Citations([CITED]), Done(False)]
    for event in [*events, Failed("code", "Message")]:
        _, data = on_the_wire(event)
        assert json.loads(json.dumps(data)) == data
