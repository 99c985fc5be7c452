"""make bench-retrieval: public question sets through upload, worker, Chroma and /api/search."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.measure.installation import Installation, installed
from tests.measure.judging import Document, Question, QuestionSet, judge, load, share_found
from tests.services.process import ROOT, child_env

SETS = Path(os.environ.get("RETRIEVAL_SETS") or ROOT.parent / "shared" / "retrieval")
USUAL = ("xquad_en", "stackfaq", "chunkeval")
LANGUAGES = {
    "de": "german",
    "el": "greek",
    "es": "spanish",
    "hi": "hindi",
    "ro": "romanian",
    "zh": "chinese",
}
MOST_HITS = 50  # passages: several of one document count as one
UPLOADS_AT_ONCE = 4
# nDCG@10 as measured by MiniLM outside of the product, before it was built: by words alone, by
# vectors alone, by both in the two ways that were best.
REFERENCE = {
    "xquad_en": (0.969, 0.941, 0.977, 0.978),
    "xquad_de": (0.943, 0.698, 0.942, 0.923),
    "xquad_es": (0.965, 0.632, 0.946, 0.938),
    "stackfaq": (0.723, 0.948, 0.919, 0.931),
}
BUDGET = 4_000
ENOUGH = 10  # passages for the budget
BUDGET_REFERENCE = 0.779


@dataclass(frozen=True)
class Tenant:
    """A client of the product with this set's documents and nothing else."""

    base: int
    bot: str
    key: str
    model: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(frozen=True)
class Answers:
    """The passages of each question, best first, and how long the calls took in ms."""

    passages: dict[str, list[dict[str, Any]]]
    milliseconds: list[float]

    def __str__(self) -> str:
        p50, p95 = (statistics.quantiles(self.milliseconds, n=100)[at - 1] for at in (50, 95))
        return f"POST /api/search p50 {p50:.0f} ms, p95 {p95:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.measure.quality", description=__doc__)
    parser.add_argument("sets", nargs="*", default=USUAL, metavar="SET")
    parser.add_argument("--model", default="", help="embedding model; else the usual one")
    asked = parser.parse_args()
    there = [name for name in asked.sets if _is_there(name)]
    if not there:
        sys.exit("There is nothing to measure with.")
    with installed() as product:
        for name in there:
            _measure(product, name, asked.model)


def _is_there(name: str) -> bool:
    if (SETS / name).is_dir():
        return True
    print(
        f"search      {name} is not in {SETS}: put it there, or name its folder by RETRIEVAL_SETS"
    )
    return False


def _measure(product: Installation, name: str, model: str) -> None:
    questions = load(SETS / name)
    language = LANGUAGES.get(name[-2:], "english")
    tenant = Tenant(**_in_process(product, "make", model, language))
    began = time.perf_counter()
    ids = _teach(product, tenant, questions.documents)
    taught = time.perf_counter()
    answers = _ask(
        product, tenant, questions.questions, count=MOST_HITS if questions.grades else 10
    )
    asked = time.perf_counter()
    print(
        f"search      {name}, {tenant.model}: {len(ids)} documents read in {taught - began:.0f} s, "
        f"{len(questions.questions)} questions in {asked - taught:.0f} s, {answers}"
    )
    if questions.grades:
        _say_ranks(product, tenant, name, questions, answers, ids)
    else:
        _say_evidence(questions, answers)


def _say_ranks(
    product: Installation,
    tenant: Tenant,
    name: str,
    questions: QuestionSet,
    answers: Answers,
    ids: dict[str, str],
) -> None:
    asked = json.dumps({one.id: one.text for one in questions.questions})
    halves = _in_process(product, "halves", str(tenant.base), stdin=asked)
    whole = {
        question: [hit["source_id"] for hit in hits] for question, hits in answers.passages.items()
    }
    words, dense, added, shares = REFERENCE.get(name, ("?", "?", "?", "?"))
    for label, runs, reference in (
        ("both", whole, f"{added} and {shares}"),
        ("BM25 alone", halves["words"], words),
        ("vectors alone", halves["vectors"], dense),
    ):
        folded = {question: _folded(ids, sources) for question, sources in runs.items()}
        print(
            f"            {label:14}{judge(folded, questions.grades)} (reference {reference})",
            flush=True,
        )


def _folded(ids: dict[str, str], sources: Sequence[str]) -> list[str]:
    """The set's documents in the order of their best passages."""
    return list(dict.fromkeys(ids[source] for source in sources))


def _say_evidence(questions: QuestionSet, answers: Answers) -> None:
    texts = {document.id: document.text for document in questions.documents}
    five, budget = list[float](), list[float]()
    for question in questions.questions:
        found = [hit["text"] for hit in answers.passages[question.id]]
        for shares, passages in ((five, found[:5]), (budget, _within(found, BUDGET))):
            shares.append(share_found(texts[question.within], question.evidence, passages))
    print(
        f"            evidence in the first 5 passages {statistics.mean(five):.3f}, in the first "
        f"{BUDGET:,} characters {statistics.mean(budget):.3f} (reference {BUDGET_REFERENCE})",
        flush=True,
    )


def _within(texts: Sequence[str], characters: int) -> list[str]:
    """The first ones, of the last one as much as there is room for."""
    kept, left = list[str](), characters
    for text in texts:
        kept.append(text[: max(left, 0)])
        left -= len(text)
    return [text for text in kept if text]


def _teach(product: Installation, tenant: Tenant, documents: Sequence[Document]) -> dict[str, str]:
    """Send each document as a file, wait until all can be found; their ids by those of sources."""

    def send(document: Document) -> str:
        title = f"# {document.title}\n\n" if document.title else ""
        sent = product.http.post(
            "/api/documents",
            files={"file": (f"{document.id}.md", (title + document.text).encode())},
            data={"bot": tenant.bot},
            headers=tenant.headers,
        )
        sent.raise_for_status()
        return str(sent.json()["id"])

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        sources = list(pool.map(send, documents))
    _in_process(product, "wait", str(tenant.base))
    return dict(zip(sources, [document.id for document in documents], strict=True))


def _ask(
    product: Installation, tenant: Tenant, questions: Sequence[Question], *, count: int
) -> Answers:
    answers = Answers({}, [])
    for question in questions:
        began = time.perf_counter()
        found = product.http.post(
            "/api/search",
            json={"bot": tenant.bot, "query": question.text, "k": count},
            headers=tenant.headers,
        )
        answers.milliseconds.append((time.perf_counter() - began) * 1000)
        found.raise_for_status()
        answers.passages[question.id] = found.json()["passages"]
    return answers


def _in_process(product: Installation, *arguments: str, stdin: str = "") -> Any:
    """What a child with the product's settings says in JSON."""
    command = [sys.executable, "-m", "tests.measure.quality_in_process", *arguments]
    said = subprocess.run(
        command, cwd=ROOT, env=child_env(product.env), input=stdin, capture_output=True, text=True
    )
    if said.returncode:
        sys.exit(said.stderr)
    return json.loads(said.stdout)


if __name__ == "__main__":
    main()
