"""What the fake model can be told to do, and the answer it finds by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Messages = Sequence[Mapping[str, Any]]
Ending = Literal["stop", "hang", "drop", "error", "garbage"]

FOREVER = 3600.0
NO_PASSAGE = "I do not know."


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole or cut: after `after` tokens the `ending` happens in place of the rest."""

    text: str | Callable[[Messages], str]
    tokens_per_second: float = 0.0
    pause_before: float = 0.0
    finish_reason: str = "stop"
    ending: Ending = "stop"
    after: int = 0
    fragment: int = 0  # bytes a write, to try a client's parser; 0: as they come


@dataclass(frozen=True, slots=True)
class Fail:
    """An error as OpenAI words it."""

    status: int = 500
    retry_after: float | None = None
    code: str | None = None
    message: str = "The fake was told to fail."


@dataclass(frozen=True, slots=True)
class Garbage:
    """Status 200 with something that is no answer: a proxy's page, or JSON cut in the middle."""

    kind: Literal["html", "json"] = "html"


@dataclass(frozen=True, slots=True)
class Hang:
    """Not a byte for so long, then the connection is closed."""

    seconds: float = FOREVER


Reply = Answer | Fail | Garbage | Hang

KINDS: dict[str, Callable[..., Reply]] = {
    "answer": Answer,
    "fail": Fail,
    "garbage": Garbage,
    "hang": Hang,
}

# The number of a passage stands at the beginning of a line: "[1] …" or "<passage number="1" …>".
_MARKER = re.compile(r'^[ \t]*(?:\[(\d+)\]|<\w+\b[^>\n]*?\b\w+="?(\d+)"?[^>\n]*>)', re.MULTILINE)
_TAG = re.compile(r"<[^>\n]+>")
_SENTENCE = re.compile(r"\S.*?[.!?](?=\s|$)")
_TOKEN = re.compile(r"\s*(?:[^\W_]+|[^\s])|\s+")


def quote_first_passage(messages: Messages) -> str:
    """The first sentence of the first numbered passage, cited; else a refusal."""
    for message in messages:
        if message.get("role") != "assistant":
            text = text_of(message)
            if marker := _MARKER.search(text):
                return _quote(text, marker)
    return NO_PASSAGE


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message, also when it is a list of parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def tokens(text: str) -> list[str]:
    """Words and single signs: like a real model's, these tokens cut "[1]" into three."""
    return _TOKEN.findall(text)


def words(count: int) -> str:
    """A text of exactly so many tokens."""
    return " ".join(["word"] * count)


def _quote(text: str, marker: re.Match[str]) -> str:
    following = _MARKER.search(text, marker.end())
    passage = text[marker.end() : following.start() if following else len(text)]
    lines = [line.strip() for line in _TAG.sub("", passage).splitlines() if line.strip()]
    sentences = [found.group() for line in lines if (found := _SENTENCE.search(line))]
    quote = (sentences or lines or [NO_PASSAGE])[0]
    return f"{quote} [{marker.group(1) or marker.group(2)}]"
