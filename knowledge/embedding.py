"""The embedders of this installation, one of each per process, and how vectors are stored."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from django.conf import settings

from knowledge.engine.embed import (
    LOCAL,
    LOCAL_NAME,
    Embedder,
    HostedEmbedder,
    LocalEmbedder,
    Matrix,
)

STORED = np.float16  # half the bytes; a cosine moves by less than 0.001


def default_model() -> str:
    """The name that a new knowledge base's vectors get."""
    chosen = settings.EMBEDDING_MODEL
    return LOCAL_NAME if chosen == LOCAL else f"hosted:{chosen}"


def embedder_for(model: str) -> Embedder:
    """The embedder that gives vectors of this name. Made lazily and anew after a fork."""
    return _embedder(model, os.getpid())


@lru_cache(maxsize=8)
def _embedder(model: str, _pid: int) -> Embedder:
    if model == LOCAL_NAME:
        return LocalEmbedder(settings.VAR_DIR / "models")
    return HostedEmbedder(
        model.removeprefix("hosted:"), settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL or None
    )


def pack(row: np.ndarray) -> bytes:
    return row.astype(STORED).tobytes()


def unpack(rows: Iterable[bytes]) -> Matrix:
    """Stored vectors as a matrix of float32 rows."""
    matrix: Matrix = np.stack([np.frombuffer(row, STORED) for row in rows]).astype(np.float32)
    return matrix
