"""Texts to unit vectors, by a server that speaks OpenAI's protocol.

A module of its own, because the library takes 25 MB of each process that loads it.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

import numpy as np
from openai import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OpenAI,
    OpenAIError,
    PermissionDeniedError,
)

from knowledge.engine.catalogue import HOSTED, model_of
from knowledge.engine.embed import Matrix, Vector
from knowledge.engine.errors import EmbedderDown, EmbedderRefused

HOSTED_TIMEOUT = 25.0
# What these say is about the key, the model's name or the texts: the same call fails again.
REFUSALS = {
    AuthenticationError: "does not accept the key",
    PermissionDeniedError: "does not allow this key to use it",
    NotFoundError: "is not known to its server",
    BadRequestError: "does not take these texts",
}


@dataclass(frozen=True)
class HostedEmbedder:
    """An embedding model behind OpenAI's API or a server compatible with it."""

    model: str
    api_key: str
    base_url: str | None

    @property
    def name(self) -> str:
        return f"{HOSTED}{self.model}"

    def embed(self, texts: Sequence[str], *, asking: bool = False) -> Matrix:
        known = model_of(self.name)
        if not texts:
            return np.empty((0, known.dimensions), np.float32)
        cut = [text[: known.most_characters] for text in texts]
        most = known.request or len(cut)
        requests = [cut[i : i + most] for i in range(0, len(cut), most)]
        # One after the other: what comes back takes five times as much as the numbers kept of it.
        parts = list[Matrix]()
        for texts_of_one in requests:
            dimensions = known.dimensions or (parts[0].shape[1] if parts else 0)
            parts.append(self._matrix(self._embed_batch(texts_of_one), dimensions))
        matrix = np.concatenate(parts)
        unit: Matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
        return unit

    def _matrix(self, vectors: list[Vector], dimensions: int) -> Matrix:
        """All of one length, and of this one where it is known."""
        lengths = {len(vector) for vector in vectors}
        wanted = dimensions or max(lengths)
        if lengths != {wanted}:
            raise EmbedderRefused(
                f"{self.model} gave vectors of {min(lengths)} numbers instead of {wanted}."
            )
        return np.array(vectors, np.float32)

    def _embed_batch(self, texts: Sequence[str]) -> list[Vector]:
        try:
            answer = self._client.embeddings.with_raw_response.create(
                model=self.model, input=list(texts), encoding_format="base64"
            )
            vectors = _vectors(answer.content)
        except tuple(REFUSALS) as error:
            raise EmbedderRefused(f"{self.model} {REFUSALS[type(error)]}.") from error
        except (OpenAIError, ValueError, TypeError, LookupError) as error:
            # All but the first: whatever came, be it a proxy's page.
            raise EmbedderDown(f"{self.model}: {type(error).__name__}") from error
        if len(vectors) != len(texts):
            raise EmbedderDown(f"{self.model}: {len(vectors)} vectors for {len(texts)} texts")
        return vectors

    @cached_property
    def _client(self) -> OpenAI:
        return OpenAI(
            api_key=self.api_key or "none",
            base_url=self.base_url,
            timeout=HOSTED_TIMEOUT,
            max_retries=1,
        )


def _vectors(answer: bytes) -> list[Vector]:
    """In the order of the texts. The library would make a Python number of each of theirs first.

    Raises ValueError, TypeError or LookupError for an answer of another kind.
    """
    data = sorted(json.loads(answer)["data"], key=itemgetter("index"))
    return [_vector(one["embedding"]) for one in data]


def _vector(given: str | list[float]) -> Vector:
    """Of bytes, a third of the size of numbers written out, or of those, from servers that know
    nothing else."""
    if isinstance(given, str):
        return np.frombuffer(b64decode(given), "<f4")
    return np.asarray(given, np.float32)
