"""A child process of `retrieval`: makes a knowledge base of so many passages and searches it."""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_saas.settings")
django.setup()

import numpy as np
from django.db import transaction

from accounts.models import Client
from knowledge import index, lexical, retrieve
from knowledge.embedding import default_model, embedder_for, pack
from knowledge.engine.terms import counted, terms
from knowledge.models import KnowledgeBase, Passage, Source
from knowledge.vectors import vectors
from tests.measure.words import WEIGHTS, WORDS, paragraph

QUESTIONS = 200
DIMENSIONS = 384


def main(passages: int) -> None:
    base = make(passages)
    source = random.Random(1)
    questions = [
        " ".join(source.choices(WORDS, cum_weights=WEIGHTS, k=7)) for _ in range(QUESTIONS)
    ]
    embed = timed(lambda text: embedder_for(base.embedding_model).embed([text]), questions)
    words = timed(lambda text: lexical.best(lexical.prepare(base, text), 50), questions)
    vector = embedder_for(base.embedding_model).embed(["any"])[0]
    near = timed(lambda _: vectors().nearest(base.collection, vector, 50), questions)
    whole = timed(lambda text: retrieve.search(base, text, count=20), questions)
    aim = " (aim: p95 30 ms)" if passages == 10_000 else ""
    ratio = p(whole, 50) / p(embed, 50)
    print(
        f"retrieval   {passages:6,} passages: p50 {p(whole, 50):.1f} ms, p95 {p(whole, 95):.1f} ms"
        f"{aim}; {ratio:.1f} times the embedding; p50 of embedding {p(embed, 50):.1f}, "
        f"words {p(words, 50):.1f}, Chroma {p(near, 50):.1f}",
        flush=True,
    )


def make(passages: int) -> KnowledgeBase:
    """Rows, postings and vectors of made-up text; embedding it for real would take minutes."""
    source, numbers = random.Random(2), np.random.default_rng(2)
    client = Client.objects.create(name="Bench")
    base = KnowledgeBase.objects.create(client=client, name="b", embedding_model=default_model())
    row = Source.objects.create(
        knowledge_base=base, title="Bench", format="text", sha256="", state="ready",
        version=1, live_version=1, indexed_version=1,
    )  # fmt: skip
    for at in range(0, passages, 500):
        texts = [paragraph(source, 800) for _ in range(500)]
        rows = [passage(row, at + n, text, numbers) for n, text in enumerate(texts)]
        with transaction.atomic():
            Passage.objects.bulk_create(rows)
            words = [counted(text, "english") for text in texts]
            lexical.store(base, [(rows, lexical.packed(words))])
    index.rebuild(base)
    base.refresh_from_db()
    return base


def passage(row: Source, position: int, text: str, numbers: np.random.Generator) -> Passage:
    vector = numbers.normal(size=DIMENSIONS)
    return Passage(
        source=row, version=1, position=position, text=text, start=0, end=len(text),
        terms=len(terms(text, "english")), embedding=pack(vector / np.linalg.norm(vector)),
    )  # fmt: skip


def timed(work: Callable[[str], object], questions: list[str]) -> list[float]:
    for question in questions[:10]:
        work(question)
    milliseconds = []
    for question in questions:
        began = time.perf_counter()
        work(question)
        milliseconds.append((time.perf_counter() - began) * 1000)
    return milliseconds


def p(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


if __name__ == "__main__":
    main(int(sys.argv[1]))
