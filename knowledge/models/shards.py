"""What lies on a Chroma server and is to go from there."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from knowledge.models.sources import IndexServer, KnowledgeBase


class LeftCollectionQuerySet(models.QuerySet["LeftCollection"]):
    def droppable(self, before: datetime) -> LeftCollectionQuerySet:
        """Those left before then, on servers that answer as far as is known: what began earlier,
        and may still write there or ask there, has ended."""
        return self.filter(left_at__lt=before).exclude(shard__in=IndexServer.objects.down())


class LeftCollection(models.Model):
    """A collection that a knowledge base had on a server before it moved to another one."""

    knowledge_base = models.ForeignKey(
        KnowledgeBase, on_delete=models.CASCADE, related_name="left_collections"
    )
    shard = models.CharField(max_length=40, blank=True)
    collection = models.CharField(max_length=80)
    left_at = models.DateTimeField(auto_now_add=True)

    objects = LeftCollectionQuerySet.as_manager()

    def __str__(self) -> str:
        return self.collection
