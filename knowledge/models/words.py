"""The index of words: for each term of a segment, the passages of it that hold the term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from knowledge.models.bases import KnowledgeBase
from knowledge.models.sources import Passage, Source

if TYPE_CHECKING:
    from collections.abc import Collection


class SegmentQuerySet(models.QuerySet["Segment"]):
    def unused(self) -> SegmentQuerySet:
        """Of a version that answers do not use."""
        return self.exclude(version=models.F("source__live_version"))

    def ids_of(self, passage_ids: Collection[int]) -> set[int]:
        """Of those to which these passages belong."""
        own = self.filter(source=models.OuterRef("source"), version=models.OuterRef("version"))
        # They do not overlap: the last one that begins before the passage. One look into the index.
        begins = own.filter(first__lte=models.OuterRef("position")).order_by("-first")
        passages = Passage.objects.filter(pk__in=list(passage_ids))
        segment = models.Subquery(begins.values("pk")[:1])
        found = passages.order_by().values_list(segment, flat=True)
        return {pk for pk in found if pk is not None}


class Segment(models.Model):
    """Consecutive passages of one version of a source that came into the index in one step, and
    leave it in one: those of the positions `first` to `last`."""

    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="segments", db_index=False
    )
    version = models.PositiveIntegerField()
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()

    objects = SegmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "version", "first"], name="no_segment_twice")
        ]

    def __str__(self) -> str:
        return f"{self.source_id}.{self.version}#{self.first}-{self.last}"


class PostingList(models.Model):
    """The postings of a term within a segment, packed as lexical.POSTING says."""

    pk = models.CompositePrimaryKey("knowledge_base", "term", "segment")
    knowledge_base = models.ForeignKey(
        KnowledgeBase, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    term = models.BigIntegerField()
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="+")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.term} in {self.segment_id}"
