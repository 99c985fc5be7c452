"""The embedders of this installation, one of each per process, and how vectors are stored."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from django.conf import settings

from knowledge.engine.catalogue import (
    HOSTED,
    KNOWN,
    LOCAL_MODELS,
    LOCAL_NAME,
    OPENAI_MODELS,
    EmbeddingModel,
    best_for,
    model_of,
)
from knowledge.engine.embed import (
    LOCAL,
    Embedder,
    LocalEmbedder,
    Matrix,
    Vector,
)
from knowledge.engine.embed_multilingual import LOADERS, MultilingualEmbedder

MOST_KEPT = 4096  # of 1.5 kB each
STORED = np.float16  # half the bytes; a cosine moves by less than 0.001


def default_model(language: str = "english") -> str:
    """The name of the model that a new knowledge base in this language gets."""
    chosen = settings.EMBEDDING_MODEL
    if chosen == LOCAL:
        return best_for(language)
    return chosen if chosen in KNOWN else f"{HOSTED}{chosen}"


def offered() -> list[EmbeddingModel]:
    """Those that this installation can use, as far as can be seen without asking a server."""
    local = [model for model in LOCAL_MODELS if model.is_installed]
    has_openai = bool(settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL)
    named = [*map(_hosted, settings.EMBEDDING_SERVERS), default_model()]
    found = [*local, *(OPENAI_MODELS if has_openai else ()), *map(model_of, named)]
    return list({model.name: model for model in found}.values())


def _hosted(model: str) -> str:
    return f"{HOSTED}{model}"


def embedder_for(model: str) -> Embedder:
    """The embedder that gives vectors of this name. Made lazily and anew after a fork."""
    return _embedder(model, os.getpid())


@lru_cache(maxsize=8)
def _embedder(name: str, _pid: int) -> Embedder:
    if name == LOCAL_NAME:
        return LocalEmbedder(settings.VAR_DIR / "models")
    if name in LOADERS:
        return MultilingualEmbedder(name)
    return _hosted_embedder(name.removeprefix(HOSTED))


def _hosted_embedder(model: str) -> Embedder:
    from knowledge.engine.embed_hosted import HostedEmbedder  # noqa: PLC0415 - see there

    if model in settings.EMBEDDING_SERVERS:
        # The key of one server is nothing for another one.
        key = settings.EMBEDDING_KEYS.get(model, "")
        return HostedEmbedder(model, key, settings.EMBEDDING_SERVERS[model])
    return HostedEmbedder(model, settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL or None)


def embed_kept(model: str, texts: Sequence[str], *, asking: bool = False) -> Matrix:
    """Vectors of texts that are asked for again and again: questions, and sentences of answers.

    The latest few thousand stay in memory. Raises EmbedderDown.
    """
    kept = {text: _kept.get((model, asking, text)) for text in texts}
    missing = [text for text, vector in kept.items() if vector is None]
    if missing:
        made = embedder_for(model).embed(missing, asking=asking)
        for text, vector in zip(missing, made, strict=True):
            kept[text] = vector
            _keep((model, asking, text), vector)
    matrix: Matrix = np.stack([kept[text] for text in texts])  # type: ignore[misc]
    return matrix


_kept: OrderedDict[tuple[str, bool, str], Vector] = OrderedDict()
_keeping = threading.Lock()


def _keep(key: tuple[str, bool, str], vector: Vector) -> None:
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


def for_index(model: EmbeddingModel, rows: Matrix) -> Matrix:
    """What the index holds of these vectors: unit vectors, of as many numbers as it needs."""
    if not model.indexed_dimensions or rows.shape[-1] <= model.indexed_dimensions:
        return rows
    cut = rows[..., : model.indexed_dimensions]
    unit: Matrix = cut / np.maximum(np.linalg.norm(cut, axis=-1, keepdims=True), 1e-9)
    return unit
