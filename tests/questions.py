"""The demo's questions, put to the demo's help centre: how many are answered, and rightly?"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from chat.conversation import RETRIEVED, as_passage
from chat.engine.extract import Extract, extract
from chat.engine.prompt import Said
from chat.engine.question import standalone, topic_of
from knowledge import retrieve
from knowledge.models import KnowledgeBase

QUESTIONS = Path(__file__).parent / "data" / "demo_questions.json"


def tally(base: KnowledgeBase) -> Counter[tuple[str, str]]:
    """Counts by (kind of question, "right" | "wrong" | "refused"); wrong also where none exists."""
    counts: Counter[tuple[str, str]] = Counter()
    for question in json.loads(QUESTIONS.read_text(encoding="utf-8")):
        counts[question["kind"], outcome(quotation(base, question), question["expect"])] += 1
    return counts


def quotation(base: KnowledgeBase, question: dict[str, Any]) -> Extract | None:
    """What the product quotes, by the same steps as in a conversation."""
    history = [Said("visitor", question["first"])] if "first" in question else []
    words = partial(retrieve.words_of, base)
    asked = standalone(question["question"], history, words, base.language)
    found = retrieve.search(base, asked, count=RETRIEVED)
    topic = topic_of(question["question"], asked, found.rarity, words, base.language)
    passages = [as_passage(hit) for hit in found.hits]
    return extract(passages, topic, words, partial(retrieve.closeness, base, asked))


def outcome(found: Extract | None, expected: list[str]) -> str:
    if found is None:
        return "refused"
    said = _folded(found.text)
    return "right" if any(_folded(words) in said for words in expected) else "wrong"


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).lower()
