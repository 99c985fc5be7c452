"""How many passages and words a knowledge base answers from, as BM25 must know it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Greatest

from knowledge.models import KnowledgeBase, Passage, PassageQuerySet


@dataclass(frozen=True, slots=True)
class Size:
    """Of a set of passages."""

    passages: int = 0
    terms: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.passages + other.passages, self.terms + other.terms)


NOTHING = Size()


def of(passages: PassageQuerySet) -> Size:
    totals = passages.aggregate(count=Count("pk"), terms=Sum("terms"))
    return Size(totals["count"], totals["terms"] or 0)


def change(base: KnowledgeBase, *, plus: Size = NOTHING, minus: Size = NOTHING) -> None:
    """What answers use more now, and what no more; in the caller's transaction."""
    KnowledgeBase.objects.filter(pk=base.pk).update(
        live_passages=Greatest(F("live_passages") + (plus.passages - minus.passages), 0),
        live_terms=Greatest(F("live_terms") + (plus.terms - minus.terms), 0),
    )


@transaction.atomic
def recount(base: KnowledgeBase) -> None:
    """Set the sizes anew from the passages that there are."""
    # Locked before counting: what is published meanwhile would be counted twice, or not at all.
    KnowledgeBase.objects.select_for_update(no_key=True).filter(pk=base.pk).first()
    size = of(Passage.objects.live().filter(source__knowledge_base=base))
    same = KnowledgeBase.objects.filter(pk=base.pk)
    same.update(live_passages=size.passages, live_terms=size.terms)
