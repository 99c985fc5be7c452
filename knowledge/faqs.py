"""What members and programs do with questions and answers: allowed, done, and noted who did it."""

from __future__ import annotations

from functools import partial
from typing import cast

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client
from billing import gate, limits
from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import Conflict, NotFound
from knowledge import faq_sources, holdings, sources, tasks
from knowledge.changes import Changer
from knowledge.models import Faq, KnowledgeBase, Source
from knowledge.pairs import MOST_FAQS, Pair

FIELDS = ["question", "key", "answer", "category", "priority", "updated_at"]


def add(request: Changer, base: KnowledgeBase, pair: Pair) -> Faq:
    """The new pair, queued. Raises Conflict for a question that is there, and PlanLimit."""
    gate.require_edit(request.client)
    with transaction.atomic():
        client = lock(request.client)
        _require_new(base, pair)
        require_room(client, base, count=1, new_bytes=faq_sources.bytes_of(*_text(pair)))
        faq = new(base, pair)
        faq_sources.make([faq])
        _note(request, Action.FAQ_ADDED, faq)
        after_commit(tasks.ingest_next.delay)
    return faq


def change(request: Changer, faq: Faq, pair: Pair) -> None:
    """Answers use what was there before until the new text is ready.

    Raises Conflict for a question that another pair has, NotFound, and PlanLimit.
    """
    gate.require_edit(request.client)
    with transaction.atomic():
        client = lock(request.client)
        _look_again(faq)
        if not differs(faq, pair):
            return
        _require_new(faq.knowledge_base, pair, besides=faq)
        more = faq_sources.bytes_of(*_text(pair)) - faq_sources.bytes_of(faq.question, faq.answer)
        require_room(client, faq.knowledge_base, count=0, new_bytes=more)
        is_other_text = (faq.question, faq.answer) != _text(pair)
        put(faq, pair)
        faq.save(update_fields=FIELDS)
        if is_other_text:
            faq_sources.write_anew(faq.knowledge_base, [faq])
            after_commit(tasks.ingest_next.delay)
        _note(request, Action.FAQ_CHANGED, faq)


def remove(request: Changer, faq: Faq) -> None:
    """Delete a pair; a worker deletes what was made of it."""
    gate.require_edit(request.client)
    sources.remove(faq.source, note=partial(_delete_row, request, faq))


def retry(request: Changer, faq: Faq) -> None:
    gate.require_edit(request.client)
    sources.retry(faq.source)


def new(base: KnowledgeBase, pair: Pair) -> Faq:
    faq = Faq(knowledge_base=base)
    put(faq, pair)
    return faq


def put(faq: Faq, pair: Pair) -> None:
    faq.question, faq.key, faq.answer = pair.question, pair.key, pair.answer
    faq.category, faq.priority = pair.category, pair.priority
    faq.updated_at = timezone.now()


def differs(faq: Faq, pair: Pair) -> bool:
    there = (faq.question, faq.answer, faq.category, faq.priority)
    return there != (pair.question, pair.answer, pair.category, pair.priority)


def lock(client: Client) -> Client:
    """Of two changes at once the second waits here and sees the first."""
    return Client.objects.select_for_update().get(pk=client.pk)


def require_room(client: Client, base: KnowledgeBase, *, count: int, new_bytes: int) -> None:
    """Raise Conflict when `count` more pairs are too many, PlanLimit when the text is too much."""
    if count and base.faqs.count() + count > MOST_FAQS:
        raise Conflict(
            "too_many_faqs", f"A chatbot has {MOST_FAQS:,} questions and answers at most."
        )
    if new_bytes > 0:
        used = holdings.of(client)["knowledge_bytes"]
        limits.require_bytes(client, used_bytes=used, new_bytes=new_bytes)


def _look_again(faq: Faq) -> None:
    """As it is now that nobody else changes it."""
    try:
        faq.refresh_from_db(fields=["question", "answer", "category", "priority"])
    except Faq.DoesNotExist as error:
        raise NotFound("unknown_faq", "This question was deleted meanwhile.") from error


def _require_new(base: KnowledgeBase, pair: Pair, *, besides: Faq | None = None) -> None:
    same = base.faqs.filter(key=pair.key)
    if (same.exclude(pk=besides.pk) if besides else same).exists():
        raise Conflict("same_question", "This question has an answer already. Change that one.")


def _text(pair: Pair) -> tuple[str, str]:
    return pair.question, pair.answer


def _delete_row(request: Changer, faq: Faq, _: Source) -> None:
    _note(request, Action.FAQ_DELETED, faq)
    Faq.objects.filter(pk=faq.pk).delete()


def _note(request: Changer, action: Action, faq: Faq) -> None:
    by = cast(HttpRequest, request)
    audit.record(by, request.client, action, faq.question[:200], faq=faq.public_id)
