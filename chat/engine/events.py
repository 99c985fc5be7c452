"""What an answer is made of while it streams. The names and fields are those of docs/api.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Start:
    conversation: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Delta:
    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """Under the answer: the passage behind [number], and the words in it that support it.

    `start` and `end` count characters of the source's text as it was read.
    """

    number: int
    source_id: str
    title: str
    url: str
    quote: str
    start: int
    end: int
    page: int | None = None

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "number": self.number,
            "source_id": self.source_id,
            "title": self.title,
            "url": self.url,
            "quote": self.quote,
            "start": self.start,
            "end": self.end,
        }
        return body if self.page is None else body | {"page": self.page}


@dataclass(frozen=True, slots=True)
class Citations:
    citations: Sequence[Cited]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the model counted; zero where no model was asked."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    answered: bool
    finish_reason: str = "stop"
    usage: Usage = field(default=Usage())
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    code: str
    message: str
    retry_after: int | None = None


Event = Start | Delta | Citations | Done | Failed


def on_the_wire(event: Event) -> tuple[str, Mapping[str, Any] | Sequence[Any]]:
    """Name and JSON data of an event."""
    match event:
        case Start():
            return "start", {"conversation": event.conversation, "message_id": event.message_id}
        case Delta():
            return "delta", {"text": event.text}
        case Citations():
            return "citations", [cited.as_json() for cited in event.citations]
        case Failed():
            body: dict[str, Any] = {"code": event.code, "message": event.message}
            wait = {} if event.retry_after is None else {"retry_after": event.retry_after}
            return "error", body | wait
        case Done():
            return "done", done_json(event)


def done_json(event: Done) -> dict[str, Any]:
    return {
        "answered": event.answered,
        "finish_reason": event.finish_reason,
        "usage": usage_json(event.usage),
        "token": event.token,
        "audio_url": None,
        "suggestions": [],
    }


def usage_json(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
