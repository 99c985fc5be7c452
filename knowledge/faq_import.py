"""Take many questions and answers at once: all of a file, or nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.audit import Action
from billing import gate
from chatbot_saas.lib.after_commit import after_commit
from knowledge import faq_sources, faqs, tasks
from knowledge.changes import Changer
from knowledge.faq_csv import Row
from knowledge.models import Faq, KnowledgeBase
from knowledge.pairs import Pair


@dataclass(frozen=True, slots=True)
class Taken:
    """How many pairs an import made, changed, and found as they were."""

    added: int
    changed: int
    same: int

    def __str__(self) -> str:
        return f"{self.added:,} added, {self.changed:,} changed, {self.same:,} the same"


def take(request: Changer, base: KnowledgeBase, rows: Sequence[Row]) -> Taken:
    """Add what is new and change what is there. Only rows are written: reading is the worker's.

    Raises Conflict or PlanLimit, and then nothing is changed.
    """
    gate.require_edit(request.client)
    with transaction.atomic():
        client = faqs.lock(request.client)
        there = {faq.key: faq for faq in base.faqs.all()}
        new = [faqs.new(base, row.pair()) for row in rows if row.key not in there]
        old = [(there[row.key], row.pair(there[row.key])) for row in rows if row.key in there]
        changed = [(faq, pair) for faq, pair in old if faqs.differs(faq, pair)]
        more = sum(faq_sources.bytes_of(faq.question, faq.answer) for faq in new)
        more += sum(_grown(faq, pair) for faq, pair in changed)
        faqs.require_room(client, base, count=len(new), new_bytes=more)
        faq_sources.make(new)
        _change(base, changed)
        taken = Taken(len(new), len(changed), len(old) - len(changed))
        _note(request, base, taken)
        after_commit(tasks.ingest_next.delay)
    return taken


def _change(base: KnowledgeBase, changed: Sequence[tuple[Faq, Pair]]) -> None:
    rewritten = [faq for faq, pair in changed if _is_other_text(faq, pair)]
    for faq, pair in changed:
        faqs.put(faq, pair)
    Faq.objects.bulk_update([faq for faq, _ in changed], faqs.FIELDS, batch_size=faq_sources.BATCH)
    faq_sources.write_anew(base, rewritten)


def _is_other_text(faq: Faq, pair: Pair) -> bool:
    return (faq.question, faq.answer) != (pair.question, pair.answer)


def _grown(faq: Faq, pair: Pair) -> int:
    before = faq_sources.bytes_of(faq.question, faq.answer)
    return faq_sources.bytes_of(pair.question, pair.answer) - before


def _note(request: Changer, base: KnowledgeBase, taken: Taken) -> None:
    if not (taken.added or taken.changed):
        return
    by = cast(HttpRequest, request)
    counts = {"added": taken.added, "changed": taken.changed}
    audit.record(by, request.client, Action.FAQS_IMPORTED, base.name, **counts)
