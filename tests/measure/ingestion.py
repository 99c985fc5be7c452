"""Markdown files through POST /api/documents until the last one is ready."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

import psutil

from knowledge.engine.embed import LocalEmbedder
from knowledge.engine.read import read
from knowledge.engine.split import split
from tests.measure.installation import Installation, installed
from tests.measure.words import document
from tests.services.process import ROOT
from tests.services.waiting import wait_until

FILES = 60
CHARACTERS = 10_000


def main() -> None:
    texts = [document(random.Random(number), CHARACTERS) for number in range(FILES)]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    floor = bare_model(texts)
    with installed() as product:
        wait_until(lambda: _ready(product) >= 16, 120)
        began = time.perf_counter()
        for number, text in enumerate(texts):
            _upload(product, f"{number}.md", text)
        wait_until(lambda: _ready(product) >= 16 + FILES, 600, every=0.2)
        seconds = time.perf_counter() - began
        worker = psutil.Process(product.worker.pid)
        peak = max(one.memory_info().rss for one in worker.children()) / 1e6
    passages = floor["passages"]
    print(
        f"ingestion   {FILES} files, {megabytes:.2f} MB: {megabytes / seconds:.3f} MB/s, "
        f"{passages / seconds:.1f} passages/s = {passages / seconds / floor['rate']:.0%} of the "
        f"bare model's {floor['rate']:.1f} (aim: 85 %); worker {peak:.0f} MB"
    )


def bare_model(texts: list[str]) -> dict[str, float]:
    """Passages a second of the embedding model alone, on a sample of the same passages."""
    embedder = LocalEmbedder(ROOT / "var" / "models")
    path = Path(tempfile.gettempdir()) / "bench-passages.md"
    pieces = []
    for text in texts:
        path.write_text(text)
        pieces += [piece.indexed_text for piece in split(read(path, "markdown"))]
    path.unlink()
    sample = pieces[:200]
    embedder.embed(sample[:4])
    began = time.perf_counter()
    embedder.embed(sample)
    return {"rate": len(sample) / (time.perf_counter() - began), "passages": len(pieces)}


def _upload(product: Installation, name: str, text: str) -> None:
    sent = product.http.post(
        "/api/documents",
        files={"file": (name, text.encode())},
        data={"bot": product.bot},
        headers={"Authorization": f"Bearer {product.key}"},
    )
    sent.raise_for_status()


def _ready(product: Installation) -> int:
    answer = product.http.get(
        "/api/documents?limit=200", headers={"Authorization": f"Bearer {product.key}"}
    )
    return sum(one["status"] == "ready" for one in answer.json()["results"])
