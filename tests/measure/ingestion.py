"""Files through POST /api/documents until the last one is ready."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil

from knowledge.engine.embed import LocalEmbedder
from knowledge.engine.read import read
from knowledge.engine.sandbox import reading
from knowledge.engine.split import split
from tests.measure.installation import Installation, installed
from tests.measure.words import document
from tests.services.process import ROOT
from tests.services.waiting import wait_until

AT_ONCE = 3  # as the page sends what is dropped on it
FILES = 60
CHARACTERS = 10_000
DEMO = 16  # documents of the demo client
# What DocsGPT 1.1.0 did on two such cores, asked through its own API.
PEER_MANY = 2.1 / 12.2
PEER_ONE = 20 / 68
MOST_MEGABYTES = 500
WATCHED_SECONDS = 60


def main() -> None:
    with_the_local_model()
    many_files()
    one_text()
    the_largest_text()


def with_the_local_model() -> None:
    texts = texts_of(FILES, CHARACTERS)
    floor = bare_model(texts)
    with installed() as product:
        seconds = _seconds(product, texts)
        peak = Peak(product)
        peak.look()
    passages = floor["passages"]
    print(
        f"ingestion   {FILES} files, {megabytes(texts):.2f} MB: "
        f"{megabytes(texts) / seconds:.3f} MB/s, "
        f"{passages / seconds:.1f} passages/s = {passages / seconds / floor['rate']:.0%} of the "
        f"bare model's {floor['rate']:.1f} (aim: 85 %); worker {peak.megabytes:.0f} MB",
        flush=True,
    )


def many_files() -> None:
    """Embedded by another server, as the peer's were."""
    texts = texts_of(200, 10_500)
    with installed(embeddings=True, processes=2) as product:
        seconds = _seconds(product, texts)
    _compared("200 files", megabytes(texts) / seconds, megabytes(texts), PEER_MANY)


def one_text() -> None:
    text = "\n\n".join(texts_of(2000, 10_000))
    with installed(embeddings=True, processes=2) as product:
        peak = Peak(product)
        seconds = _seconds(product, [text], peak)
    _compared("one text", megabytes([text]) / seconds, megabytes([text]), PEER_ONE)
    print(f"            worker {peak.megabytes:.0f} MB at most (aim: 600)", flush=True)


def the_largest_text() -> None:
    """What is read of it, and what its first minute costs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "largest.md"
        _write(path, MOST_MEGABYTES)
        began = time.perf_counter()
        with reading(path, "markdown") as text:
            count, peak = 0, 0.0
            for piece in text.pieces:
                count += 1
                if piece.position % 5000 == 0:
                    peak = max(peak, _family(psutil.Process()))
        seconds = time.perf_counter() - began
        print(
            f"reading     {MOST_MEGABYTES} MB of text: {MOST_MEGABYTES / seconds:.0f} MB/s, "
            f"{count:,} passages, the processes that read {peak:.0f} MB",
            flush=True,
        )
        with installed(embeddings=True) as product:
            web = psutil.Process(product.web.pid)
            before = _family(web)
            with path.open("rb") as file:
                _upload(product, "largest.md", file)
            grown, peak_of_worker, until = _family(web) - before, Peak(product), _in_a_minute()
            while time.monotonic() < until:
                peak_of_worker.look()
                time.sleep(0.5)
        print(
            f"            uploaded: web +{grown:.0f} MB; in the first {WATCHED_SECONDS} s "
            f"of work: worker {peak_of_worker.megabytes:.0f} MB at most (aim: 600)",
            flush=True,
        )


def texts_of(count: int, characters: int) -> list[str]:
    return [document(random.Random(number), characters) for number in range(count)]


def megabytes(texts: Iterable[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6


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


class Peak:
    """The most memory that the worker and all that it started held at once, in MB."""

    def __init__(self, product: Installation) -> None:
        self.worker = psutil.Process(product.worker.pid)
        self.megabytes = 0.0

    def look(self) -> None:
        self.megabytes = max(self.megabytes, _family(self.worker))


def _family(process: psutil.Process) -> float:
    """What is its own and its children's, shared pages divided among them."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def _seconds(product: Installation, texts: list[str], peak: Peak | None = None) -> float:
    wait_until(lambda: _ready(product) >= DEMO, 120)
    names = [f"{number}.md" for number in range(len(texts))]
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as senders:
        sent = senders.map(partial(_upload, product), names, map(str.encode, texts))
        last = list(sent)[-1]

    def is_done() -> bool:
        """Listing them all costs as much as reading some: the one that came last is asked for."""
        if peak:
            peak.look()
        return _is_ready(product, last) and _ready(product) >= DEMO + len(texts)

    wait_until(is_done, 900, every=0.1)
    return time.perf_counter() - began


def _compared(what: str, rate: float, size: float, peer: float) -> None:
    print(
        f"ingestion   {what}, {size:.1f} MB, vectors from another server: {rate:.2f} MB/s = "
        f"{rate / peer:.1f} × DocsGPT's {peer:.2f} (aim: 3)",
        flush=True,
    )


def _in_a_minute() -> float:
    return time.monotonic() + WATCHED_SECONDS


def _write(path: Path, size: int) -> None:
    """A text of so many megabytes; made once and repeated, with numbers that differ."""
    texts = texts_of(100, 10_000)
    with path.open("w") as file:
        for number in range(size):
            file.write(f"# Part {number}\n\n" + "\n\n".join(texts)[: 1_000_000 - 20] + "\n\n")


def _upload(product: Installation, name: str, content: object) -> str:
    sent = product.http.post(
        "/api/documents",
        files={"file": (name, content)},  # type: ignore[dict-item]
        data={"bot": product.bot},
        headers={"Authorization": f"Bearer {product.key}"},
        timeout=300,
    )
    sent.raise_for_status()
    return str(sent.json()["id"])


def _is_ready(product: Installation, document: str) -> bool:
    answer = product.http.get(
        f"/api/documents/{document}", headers={"Authorization": f"Bearer {product.key}"}
    )
    answer.raise_for_status()
    return bool(answer.json()["status"] == "ready")


def _ready(product: Installation) -> int:
    address, ready = "/api/documents?limit=100", 0
    while address:
        answer = product.http.get(address, headers={"Authorization": f"Bearer {product.key}"})
        answer.raise_for_status()
        listed = answer.json()
        ready += sum(one["status"] == "ready" for one in listed["results"])
        address = listed["next"]
    return ready
