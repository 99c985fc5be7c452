"""Which chat model answers here, if any."""

from __future__ import annotations

import asyncio
from importlib import import_module
from weakref import WeakKeyDictionary

from django.conf import settings

from chat.engine.llm import ChatModel, FallbackModel

# Connections belong to the event loop that opened them.
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, ChatModel] = WeakKeyDictionary()


def chat_model() -> ChatModel | None:
    """The configured model; None when neither a key nor a server is set: quote instead."""
    if not _is_configured():
        return None
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = _with_fallback()
    return _by_loop[loop]


def load() -> None:
    """Load what the configured model needs, before the first visitor waits for it."""
    if _is_configured():
        import_module("chat.engine.openai_model")


def _is_configured() -> bool:
    return bool(settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL)


def _with_fallback() -> ChatModel:
    first = _model(settings.CHAT_MODEL)
    if not settings.CHAT_FALLBACK_MODEL:
        return first
    return FallbackModel(first, _model(settings.CHAT_FALLBACK_MODEL))


def _model(name: str) -> ChatModel:
    from chat.engine.openai_model import OpenAIModel  # noqa: PLC0415 - see there

    return OpenAIModel(
        name,
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL or None,
        silence_seconds=settings.MODEL_SILENCE_SECONDS,
    )
