"""The shapes of OpenAI's JSON, as its server sends them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.openai_replies import Fail, Messages, text_of, tokens

DONE = b"data: [DONE]\n\n"
MODELS = ("gpt-4o-mini", "gpt-4o", "text-embedding-3-small", "text-embedding-3-large")
FINGERPRINT = "fp_fake000000"

_ERROR_TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 429: "requests"}
_ERROR_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


class BadRequest(Exception):
    """The request is one that OpenAI refuses with 400."""


class Completion:
    """One answer on the wire, streamed or whole."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.id = f"chatcmpl-{uuid.uuid4().hex[:29]}"
        self.created = int(time.time())
        self.model = str(body["model"])
        self.prompt: Messages = body["messages"]
        options = body.get("stream_options") or {}
        self.include_usage = bool(options.get("include_usage"))
        # Everything around a token is the same in all chunks; 500 streams are mostly this line.
        self._before, self._after = _around(self._chunk({"content": "\0"}))

    def role(self) -> bytes:
        """The first chunk: who speaks."""
        return event(self._chunk({"role": "assistant", "content": "", "refusal": None}))

    def token(self, text: str) -> bytes:
        """A chunk with one token."""
        return self._before + json.dumps(text).encode() + self._after

    def ending(self, reason: str, answered: int) -> bytes:
        """The chunk with the finish reason, the usage when asked for, and the end mark."""
        last = event(self._chunk({}, finish_reason=reason))
        usage = event(self._usage_chunk(answered)) if self.include_usage else b""
        return last + usage + DONE

    def whole(self, text: str, reason: str) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        head = self._head("chat.completion")
        return {**head, "choices": [choice], "usage": usage(self.prompt, len(tokens(text)))}

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {**self._head("chat.completion.chunk"), "choices": [choice]}
        # OpenAI sends `"usage": null` in every chunk, but only when usage was asked for.
        return {**chunk, "usage": None} if self.include_usage else chunk

    def _usage_chunk(self, answered: int) -> dict[str, Any]:
        head = self._head("chat.completion.chunk")
        return {**head, "choices": [], "usage": usage(self.prompt, answered)}


def event(data: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + _dumps(data) + b"\n\n"


def usage(messages: Messages, answered: int) -> dict[str, Any]:
    """Token counts; the prompt's as OpenAI frames it, four more for each message."""
    prompt = sum(len(tokens(text_of(message))) + 4 for message in messages)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answered,
        "total_tokens": prompt + answered,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def error(fail: Fail) -> dict[str, Any]:
    """The body of an error."""
    kind = _ERROR_TYPES.get(fail.status, "server_error")
    code = fail.code or _ERROR_CODES.get(fail.status)
    return {"error": {"message": fail.message, "type": kind, "param": None, "code": code}}


def models() -> dict[str, Any]:
    """The list of models."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "fake"} for name in MODELS]
    return {"object": "list", "data": data}


def embeddings(model: str, vectors: Sequence[str | list[float]], counted: int) -> dict[str, Any]:
    """The answer with one vector for each text, in order."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(vectors)
    ]
    counts = {"prompt_tokens": counted, "total_tokens": counted}
    return {"object": "list", "data": data, "model": model, "usage": counts}


def check_chat(body: Any) -> None:
    """Raise BadRequest for a body that OpenAI would refuse."""
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise BadRequest("you must provide a model parameter")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("Invalid 'messages': empty array.")
    for number, message in enumerate(messages):
        _check_message(number, message)


def _check_message(number: int, message: Any) -> None:
    roles = ("system", "developer", "user", "assistant", "tool")
    if not isinstance(message, dict) or message.get("role") not in roles:
        raise BadRequest(f"Invalid value: 'messages[{number}].role'. Supported: {roles}.")
    content = message.get("content")
    if not isinstance(content, str | list) and message["role"] != "assistant":
        raise BadRequest(f"Invalid value for 'content' of messages[{number}]: expected a string.")


def _dumps(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()


def _around(chunk: dict[str, Any]) -> tuple[bytes, bytes]:
    before, _, after = event(chunk).partition(rb'"\u0000"')
    return before, after
