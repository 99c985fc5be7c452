"""Question sets with judgments, and what a ranking is worth by them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Document:
    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """`evidence`: stretches of the document `within` that answer it, where these are known."""

    id: str
    text: str
    within: str = ""
    evidence: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class QuestionSet:
    """`grades`: by question, the documents that answer it. Empty where stretches are known."""

    documents: Sequence[Document]
    questions: Sequence[Question]
    grades: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Scores:
    ndcg: float
    recall: float

    def __str__(self) -> str:
        return f"nDCG@10 {self.ndcg:.3f}, Recall@5 {self.recall:.3f}"


def load(folder: Path) -> QuestionSet:
    if (folder / "docs.jsonl").exists():
        return _with_stretches(folder)
    grades: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        question, document, grade = line.split("\t")[:3]
        if float(grade) > 0:
            grades.setdefault(question, {})[document] = float(grade)
    documents = [
        Document(row["id"], row.get("title", ""), row["text"]) for row in _rows(folder, "corpus")
    ]
    questions = [Question(row["id"], row["text"]) for row in _rows(folder, "queries")]
    return QuestionSet(documents, [one for one in questions if one.id in grades], grades)


def _with_stretches(folder: Path) -> QuestionSet:
    documents = [Document(row["id"], "", row["text"]) for row in _rows(folder, "docs")]
    questions = [
        Question(
            str(row["id"]),
            row["text"],
            row["doc"],
            tuple((ref["start_index"], ref["end_index"]) for ref in row["refs"]),
        )
        for row in _rows(folder, "questions")
    ]
    return QuestionSet(documents, questions, {})


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def judge(runs: Mapping[str, Sequence[str]], grades: Mapping[str, Mapping[str, float]]) -> Scores:
    """Means over the questions; a run is the documents of one question, best first."""
    ndcg = [_ndcg(ranked, grades[question]) for question, ranked in runs.items()]
    recall = [
        len(set(ranked[:5]) & grades[question].keys()) / len(grades[question])
        for question, ranked in runs.items()
    ]
    return Scores(sum(ndcg) / len(ndcg), sum(recall) / len(recall))


def _ndcg(ranked: Sequence[str], grades: Mapping[str, float]) -> float:
    """Over the first ten; a grade counts as 2^grade - 1 (Burges et al., 2005)."""
    gained = _discounted([grades.get(document, 0.0) for document in ranked[:10]])
    return gained / _discounted(sorted(grades.values(), reverse=True)[:10])


def _discounted(grades: Sequence[float]) -> float:
    return sum((2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades))


def share_found(document: str, evidence: Sequence[tuple[int, int]], texts: Sequence[str]) -> float:
    """The share of the evidence's letters that these passages of the document hold.

    White space counts nowhere: reading tidies it.
    """
    place = [index for index, letter in enumerate(document) if not letter.isspace()]
    letters = "".join(document.split())
    held = set[int]()
    for text in texts:
        wanted = "".join(text.split())
        at = letters.find(wanted) if wanted else -1
        while at >= 0:  # some documents say the same in several places
            held.update(place[at : at + len(wanted)])
            at = letters.find(wanted, at + len(wanted))
    asked = {i for start, end in evidence for i in range(start, end) if not document[i].isspace()}
    return len(asked & held) / max(len(asked), 1)
