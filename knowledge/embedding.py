"""The embedders of this installation, one of each per process, and how vectors are stored."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
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
    Vector,
)

MOST_KEPT = 4096  # of 1.5 kB each
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


def embed_kept(model: str, texts: Sequence[str]) -> Matrix:
    """Vectors of texts that are asked for again and again: questions, and sentences of answers.

    The latest few thousand stay in memory. Raises EmbedderDown.
    """
    kept = {text: _kept.get((model, text)) for text in texts}
    missing = [text for text, vector in kept.items() if vector is None]
    if missing:
        made = embedder_for(model).embed(missing)
        for text, vector in zip(missing, made, strict=True):
            kept[text] = vector
            _keep((model, text), vector)
    matrix: Matrix = np.stack([kept[text] for text in texts])  # type: ignore[misc]
    return matrix


_kept: OrderedDict[tuple[str, str], Vector] = OrderedDict()
_keeping = threading.Lock()


def _keep(key: tuple[str, str], vector: Vector) -> None:
    with _keeping:
        _kept[key] = vector
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)


def pack(row: np.ndarray) -> bytes:
    return row.astype(STORED).tobytes()


def unpack(rows: Iterable[bytes]) -> Matrix:
    """Stored vectors as a matrix of float32 rows."""
    matrix: Matrix = np.stack([np.frombuffer(row, STORED) for row in rows]).astype(np.float32)
    return matrix
