"""Vectors without a model: texts that share words lie close together, always in the same place."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.fakes.openai_wire import BadRequest, embeddings

Vector = NDArray[np.float32]

SIZES = {"text-embedding-3-large": 3072}
DEFAULT_SIZE = 1536
PREFIX = 512
MOST_INPUTS = 2048

# Each feature of a text moves the vector along this many axes.
AXES = 8
STEM = 5


def answer(body: Any) -> dict[str, Any]:
    """The answer to an embeddings request; raises BadRequest as OpenAI would."""
    texts = _inputs(body)
    size = body.get("dimensions") or SIZES.get(body["model"], DEFAULT_SIZE)
    as_base64 = body.get("encoding_format") == "base64"
    vectors = [embed(text, size) for text in texts]
    counted = sum(len(text.split()) for text in texts)
    return embeddings(body["model"], [_encode(vector, as_base64) for vector in vectors], counted)


def embed(text: str, size: int = DEFAULT_SIZE) -> Vector:
    """The unit vector of a text, shape (size,). Its first 512 numbers alone say the same, as those
    of OpenAI's nearly do."""
    axes, signs = _features(text, min(size, PREFIX))
    prefix = np.bincount(axes, weights=signs, minlength=min(size, PREFIX))
    vector = np.resize(prefix, size).astype(np.float32)
    length = float(np.linalg.norm(vector))
    if length == 0:
        vector[0] = length = 1.0
    return vector / np.float32(length)


def _features(text: str, size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    found = [_moves(word) for word in re.findall(r"\w+", text.lower())] or [_moves(text)]
    codes = np.concatenate([codes for codes, _ in found])
    weights = np.concatenate([weights for _, weights in found])
    # The lowest bit says which way, the others which axis.
    return (codes >> 1) % size, np.where(codes & 1, weights, -weights)


@lru_cache(maxsize=50_000)
def _moves(word: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where a word moves the vector: by itself and by its beginning, short words only a little."""
    weight = 1.0 if len(word) > 3 else 0.2
    codes = np.concatenate([_codes(word), _codes(f"{word[:STEM]}*")])
    return codes, np.full(len(codes), weight)


def _codes(feature: str) -> NDArray[np.int64]:
    digest = hashlib.blake2b(feature.encode(), digest_size=4 * AXES).digest()
    return np.frombuffer(digest, dtype="<u4").astype(np.int64)


def _encode(vector: Vector, as_base64: bool) -> str | list[float]:
    if as_base64:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(value) for value in vector]


def _inputs(body: Any) -> Sequence[str]:
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise BadRequest("you must provide a model parameter")
    given = body.get("input")
    texts: list[Any] = given if isinstance(given, list) else [given]
    if texts and all(isinstance(value, int) for value in texts):
        texts = [texts]  # one text as token numbers
    if not 1 <= len(texts) <= MOST_INPUTS or not all(texts):
        raise BadRequest("'$.input' is invalid: it is empty, too long, or holds an empty string")
    return [text if isinstance(text, str) else " ".join(map(str, text)) for text in texts]
