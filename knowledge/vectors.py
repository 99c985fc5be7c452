"""Chroma, the index that may vanish at any moment. The only module that talks to it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import urlopen

import chromadb
import httpx
import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings
from chromadb.errors import ChromaError, InternalError, NotFoundError
from django.conf import settings

from chatbot_saas.lib.alone import Busy, alone
from chatbot_saas.lib.restarts import Line, Run
from knowledge.engine.embed import Matrix, Vector

T = TypeVar("T")

ADD_BATCH = 512
PAUSE_SECONDS = 2.0
WRITERS_WAIT_SECONDS = 20.0
MARKER = "which-disk-is-this"
HEARTBEAT = "/api/v2/heartbeat"
# Writing segments to disk while being killed broke collections for good; a threshold that is
# seldom reached leaves them in the log, and a broken one is rebuilt from the database.
CONFIGURATION: Any = {"hnsw": {"space": "cosine", "ef_search": 200, "sync_threshold": 10_000}}


class VectorsDown(Exception):
    """Chroma did not answer, or the collection is broken: search goes on without it."""


class CollectionBroken(VectorsDown):
    """Chroma answers, but this collection does not: a kill damaged it, or Chroma had too many open
    and forgot this one before it was ever written to disk, or it holds vectors of another length.
    It must be made anew."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A passage near a question; `cosine` in [-1, 1]."""

    passage_id: int
    cosine: float


class Vectors:
    """The collections of one Chroma server; a collection is named by its knowledge base."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: ClientAPI | None = None
        self._collections: dict[str, Collection] = {}
        self._lock = threading.Lock()
        self._asked_again_at = 0.0
        self._line = Line(f"{url}{HEARTBEAT}", timeout=settings.CHROMA_TIMEOUT)

    def add(self, collection: str, ids: Sequence[int], embeddings: Matrix) -> None:
        """Put these vectors in; those already there are replaced. Raises VectorsDown."""
        for at in range(0, len(ids), ADD_BATCH):
            batch = [str(one) for one in ids[at : at + ADD_BATCH]]
            rows = embeddings[at : at + ADD_BATCH]
            self._write(collection, lambda c, b=batch, r=rows: c.upsert(ids=b, embeddings=r))  # type: ignore[misc]

    def remove(self, collection: str, ids: Sequence[int]) -> None:
        for at in range(0, len(ids), ADD_BATCH):
            batch = [str(one) for one in ids[at : at + ADD_BATCH]]
            self._write(collection, lambda c, b=batch: c.delete(ids=b))  # type: ignore[misc]

    def nearest(self, collection: str, question: Vector, count: int) -> list[Neighbour]:
        """The `count` nearest passages, best first. Raises VectorsDown."""
        found = self._on(
            collection,
            lambda c: c.query(
                query_embeddings=question[np.newaxis, :], n_results=count, include=["distances"]
            ),
        )
        distances = (found["distances"] or [[]])[0]
        return [
            Neighbour(int(passage_id), 1.0 - float(distance))
            for passage_id, distance in zip(found["ids"][0], distances, strict=True)
        ]

    @property
    def hung_lately(self) -> bool:
        """Whether a call timed out a moment ago: not every question must wait to find that out."""
        return time.monotonic() < self._asked_again_at

    def count(self, collection: str) -> int:
        return self._on(collection, lambda c: c.count())

    def drop(self, collection: str) -> None:
        self._collections.pop(collection, None)
        try:
            self._guarded(lambda: self._connected().delete_collection(collection))
        except _Gone:
            return

    def marker(self) -> str:
        """The id of a collection of ours that tells this server's disk from another. Raises
        VectorsDown."""
        made = self._guarded(
            lambda: self._connected().get_or_create_collection(MARKER, embedding_function=None)
        )
        return str(made.id)

    def run(self) -> Run:
        """Since when this server's process has run. Chroma itself tells nothing that changes with
        each start. Raises VectorsDown."""
        return self._guarded(self._line.run)

    def is_up(self) -> bool:
        try:
            self._ping()
        except OSError:
            return False
        return True

    def _write(self, name: str, call: Callable[[Collection], object]) -> None:
        """Two at once in one collection may block each other for ever, and all who come after."""
        try:
            with alone(f"chroma {name}", seconds=WRITERS_WAIT_SECONDS):
                self._on(name, call)
        except Busy as error:
            raise VectorsDown("others are writing") from error

    def _on(self, name: str, call: Callable[[Collection], T]) -> T:
        try:
            return self._guarded(lambda: call(self._collection(name)))
        except _Gone:
            # Another process dropped and remade the collection: its id is a new one.
            self._collections.pop(name, None)
        try:
            return self._guarded(lambda: call(self._collection(name)))
        except _Gone as error:
            raise VectorsDown("the collection vanished") from error

    def _collection(self, name: str) -> Collection:
        if name not in self._collections:
            self._collections[name] = self._connected().get_or_create_collection(
                name,
                configuration=CONFIGURATION,
                embedding_function=None,
            )
        return self._collections[name]

    def _guarded(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except NotFoundError as error:
            raise _Gone from error
        except (httpx.TimeoutException, TimeoutError) as error:
            self._asked_again_at = time.monotonic() + PAUSE_SECONDS
            raise VectorsDown("no answer in time") from error
        except ChromaError as error:
            raise _trouble(error) from error
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise VectorsDown(type(error).__name__) from error
        except Exception as error:
            raise VectorsDown(str(error)[:200]) from error

    def _connected(self) -> ClientAPI:
        with self._lock:
            if self._client is None:
                self._ping()
                self._client = _connect(self.url)
            return self._client

    def _ping(self) -> None:
        """Chroma's own constructor calls the server without any time-out: ask first with one."""
        with urlopen(f"{self.url}{HEARTBEAT}", timeout=settings.CHROMA_TIMEOUT):  # noqa: S310
            return


def _trouble(error: ChromaError) -> VectorsDown:
    """What is inside of it is broken, or it is filled with vectors of another length."""
    is_broken = isinstance(error, InternalError) or "dimension" in str(error)
    kind = CollectionBroken if is_broken else VectorsDown
    return kind(f"{type(error).__name__}: {error}"[:200])


class _Gone(Exception):
    """The collection is not there (any more)."""


def _connect(url: str) -> ClientAPI:
    parts = urlsplit(url)
    client = chromadb.HttpClient(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or (443 if parts.scheme == "https" else 80),
        ssl=parts.scheme == "https",
        settings=Settings(anonymized_telemetry=False),
    )
    # Private, hence the exact pin of chromadb: there is no public way to set a time-out.
    inner: Any = client
    inner._server._session.timeout = httpx.Timeout(settings.CHROMA_TIMEOUT)
    return client


@lru_cache(maxsize=16)
def _for_process(url: str, _pid: int) -> Vectors:
    return Vectors(url)


def shards() -> Mapping[str, str]:
    """The addresses of all Chroma servers by the names of their shards; "" is the usual one."""
    return {"": settings.CHROMA_URL, **settings.CHROMA_SHARDS}


def vectors(shard: str = "") -> Vectors:
    """This process's connection: one made before a fork must not be used after it."""
    return _for_process(shards().get(shard, settings.CHROMA_URL), os.getpid())
