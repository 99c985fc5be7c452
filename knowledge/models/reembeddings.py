"""The change of a knowledge base to another embedding model, while it goes on answering."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models import Client
from chatbot_saas.lib.ids import new_id
from knowledge.engine.catalogue import EmbeddingModel, model_of
from knowledge.models.bases import KnowledgeBase
from knowledge.models.sources import Passage


def new_reembedding_id() -> str:
    return new_id("emb")


class ReembeddingQuerySet(models.QuerySet["Reembedding"]):
    def for_client(self, client: Client) -> ReembeddingQuerySet:
        return self.filter(knowledge_base__client=client)

    def unfinished(self) -> ReembeddingQuerySet:
        return self.filter(state__in=Reembedding.WORKING)

    def abandoned(self, before: datetime) -> ReembeddingQuerySet:
        return self.unfinished().filter(heartbeat_at__lt=before)

    def uncleared(self, before: datetime) -> ReembeddingQuerySet:
        """Ended before then, and what they no longer need is still there."""
        return self.exclude(state__in=Reembedding.WORKING).filter(
            is_cleared=False, heartbeat_at__lt=before
        )

    def next_generation(self, base: KnowledgeBase) -> int:
        """One that no collection of the base had before, also of a change that failed."""
        used = self.filter(knowledge_base=base).aggregate(most=models.Max("generation"))
        return max(used["most"] or 0, base.generation) + 1

    def collections(self, base: KnowledgeBase) -> list[str]:
        """All that may hold vectors of this base: its own, and what its changes made or left."""
        generations = {base.generation}
        for made, replaced in self.filter(knowledge_base=base, is_cleared=False).values_list(
            "generation", "replaced"
        ):
            generations |= {made, replaced or made}
        return [base.collection_of(generation) for generation in sorted(generations)]


class Reembedding(models.Model):
    """One change of model. The row is the job, as a Source is: state, progress and heartbeat.

    New vectors wait in NextVector, and in a collection of the next `generation`, until there is
    one of each passage; then the base changes over in one transaction.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        EMBEDDING = "embedding", "Working"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    WORKING = (State.QUEUED, State.EMBEDDING)

    knowledge_base = models.ForeignKey(
        KnowledgeBase, on_delete=models.CASCADE, related_name="reembeddings"
    )
    public_id = models.CharField(
        max_length=32, unique=True, default=new_reembedding_id, editable=False
    )
    embedding_model = models.CharField(max_length=80)
    generation = models.PositiveIntegerField()
    replaced = models.PositiveIntegerField(null=True, blank=True)  # the generation before
    is_cleared = models.BooleanField(default=False)

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0)
    error = models.CharField(max_length=300, blank=True)
    lease = models.CharField(max_length=32, blank=True)
    heartbeat_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveIntegerField(default=0)  # since the last batch that was stored
    # How often it was taken up: of several messages for the same turn one alone begins it.
    turn = models.PositiveIntegerField(default=0)
    # The last of the new vectors that is in the next collection.
    filled = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReembeddingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["knowledge_base"],
                condition=models.Q(state__in=["queued", "embedding"]),
                name="one_change_of_model",
            )
        ]

    def __str__(self) -> str:
        return f"{self.knowledge_base_id} to {self.embedding_model}"

    @property
    def is_working(self) -> bool:
        return self.state in self.WORKING

    @property
    def model(self) -> EmbeddingModel:
        return model_of(self.embedding_model)

    @property
    def collection(self) -> str:
        return self.knowledge_base.collection_of(self.generation)


class NextVector(models.Model):
    """A passage's vector by the model to come."""

    reembedding = models.ForeignKey(Reembedding, on_delete=models.CASCADE, related_name="vectors")
    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="+")
    embedding = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reembedding", "passage"], name="one_next_vector")
        ]

    def __str__(self) -> str:
        return f"{self.passage_id} of {self.reembedding_id}"
