"""Chroma servers: what is known of each, and what lies there and is to go."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from knowledge.models.bases import KnowledgeBase


class IndexServerQuerySet(models.QuerySet["IndexServer"]):
    def down(self) -> models.QuerySet[IndexServer, str]:
        """The shards of those that did not answer when somebody last looked."""
        return self.filter(is_down=True).values_list("shard", flat=True)


class IndexServer(models.Model):
    """What is known of one Chroma server, by the name of its shard.

    `marker` is the id of a collection that we made there: another one means another disk. What was
    seen at `seen_at` is the process that answered when its collections were doubted last.
    """

    shard = models.CharField(max_length=40, unique=True)
    marker = models.CharField(max_length=64, blank=True)
    is_down = models.BooleanField(default=False)
    seen_at = models.DateTimeField(null=True, blank=True)

    objects = IndexServerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.shard or "the usual one"


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
