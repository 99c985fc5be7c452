"""What a chat model is: a stream of text, and one exception per kind of trouble.

ModelError
├── KeyRefused        401, 403: the operator's matter
├── ModelBusy         429: with the seconds to wait, if the model said so
├── ModelDown         no connection, 5xx
├── ModelBroken       an answer that is none
└── ModelSilent       nothing for too long
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from chat.engine.events import Usage

logger = logging.getLogger(__name__)


class ModelError(Exception):
    """The model gave no answer. The text is for the operator's log, never for a visitor."""

    code = "model_unavailable"
    retry_after: int | None = None


class KeyRefused(ModelError):
    code = "model_refused_key"


class ModelBusy(ModelError):
    code = "model_busy"

    def __init__(self, text: str, retry_after: int | None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class ModelDown(ModelError):
    pass


class ModelBroken(ModelError):
    code = "model_broken"


class ModelSilent(ModelError):
    code = "model_timeout"


@dataclass(frozen=True, slots=True)
class Finish:
    """How the model's answer ended."""

    reason: str
    usage: Usage


class ChatModel(Protocol):
    @property
    def name(self) -> str: ...

    def stream(self, messages: Sequence[dict[str, str]]) -> AsyncIterator[str | Finish]:
        """Pieces of text, then one Finish. Raises ModelError."""


class FallbackModel:
    """Asks another model when the first one fails before it has said anything."""

    def __init__(self, first: ChatModel, second: ChatModel) -> None:
        self.first, self.second = first, second

    @property
    def name(self) -> str:
        return self.first.name

    async def stream(self, messages: Sequence[dict[str, str]]) -> AsyncIterator[str | Finish]:
        spoken = False
        try:
            async for piece in self.first.stream(messages):
                spoken = True
                yield piece
        except ModelError as error:
            if spoken:
                raise
            logger.warning("%s: asking %s instead", error, self.second.name)
            async for piece in self.second.stream(messages):
                yield piece
