"""The sources behind questions and answers, many at a time: made, and written anew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.db.models import F
from django.utils import timezone

from chatbot_saas.lib.after_commit import after_commit
from knowledge.models import Faq, KnowledgeBase, Passage, Segment, Source
from knowledge.removal import forget_vectors

BATCH = 200


def bytes_of(question: str, answer: str) -> int:
    return len(question.encode()) + len(answer.encode())


def make(faqs: Sequence[Faq]) -> None:
    """Save new pairs (knowledge base and text set), each with its source, queued."""
    for faq in faqs:
        faq.source = Source(
            knowledge_base=faq.knowledge_base, kind=Source.Kind.FAQ, format="text", **_facts(faq)
        )
    Source.objects.bulk_create([faq.source for faq in faqs], batch_size=BATCH)
    for faq in faqs:
        faq.source_id = faq.source.pk
    Faq.objects.bulk_create(faqs, batch_size=BATCH)


def write_anew(base: KnowledgeBase, faqs: Sequence[Faq]) -> None:
    """Begin a new version of each, in the caller's transaction, once its row has the new text.

    Answers use the version before until the new one is ready. Whoever was at work on an older one
    loses the lease.
    """
    own = Source.objects.filter(pk__in=[faq.source_id for faq in faqs])
    sources = own.exclude(state=Source.State.GONE)
    sources.in_order().update(
        version=F("version") + 1,
        state=Source.State.QUEUED,
        progress=0,
        error="",
        attempts=0,
        lease="",
        heartbeat_at=timezone.now(),
    )
    rows = [Source(pk=faq.source_id, **_facts(faq)) for faq in faqs]
    Source.objects.bulk_update(rows, ["title", "bytes", "sha256"], batch_size=BATCH)
    # Of a version that never became ready: it was not counted, and nobody will finish it.
    unfinished = Passage.objects.filter(source__in=sources).unused()
    ids = list(unfinished.values_list("pk", flat=True))
    if ids:
        Segment.objects.filter(source__in=sources).unused().delete()
        Passage.objects.filter(pk__in=ids).delete()
        after_commit(forget_vectors, base, ids)


def _facts(faq: Faq) -> dict[str, object]:
    """What a source says of its pair. Two pairs may have the same answer: the hash is of the pair,
    so that none of them is taken for the other, or for a document of the same words."""
    text = f"{faq.public_id}\n{faq.question}\n{faq.answer}"
    return {
        "title": faq.question,
        "bytes": bytes_of(faq.question, faq.answer),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
