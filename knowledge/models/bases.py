"""What a client knows, as one body: its language, its model, and where its vectors lie."""

from __future__ import annotations

from django.db import models

from accounts.models import Client
from chatbot_saas.lib.errors import NotFound
from chatbot_saas.lib.ids import new_id
from knowledge.engine.catalogue import EmbeddingModel, model_of


def new_base_id() -> str:
    return new_id("kb")


class KnowledgeBaseQuerySet(models.QuerySet["KnowledgeBase"]):
    def for_client(self, client: Client) -> KnowledgeBaseQuerySet:
        return self.filter(client=client)

    def unchecked(self) -> KnowledgeBaseQuerySet:
        """Those whose vectors may be lost or damaged, as far as anybody knows."""
        return self.filter(index_checked_at=None, live_passages__gt=0)

    def doubt(self) -> None:
        """Have their collections compared with the database."""
        self.filter(index_checked_at__isnull=False).update(index_checked_at=None)

    def serving(self, bot: str) -> KnowledgeBaseQuerySet:
        """The one that the bot of this public id answers from.

        Bots live a layer above; the link back to them is the database's, not an import.
        """
        return self.filter(bots__public_id=bot)

    def sizes_by_shard(self) -> models.QuerySet[KnowledgeBase, tuple[str, int, int]]:
        """Of each shard its name, how many passages it holds, and how many bases."""
        by_shard = self.order_by().values_list("shard")
        return by_shard.annotate(models.Sum("live_passages"), models.Count("pk"))

    def bot_ids(self) -> models.QuerySet[KnowledgeBase, str | None]:
        """The public ids of the bots that answer from them, the first one first."""
        return self.order_by("bots__pk").values_list("bots__public_id", flat=True)

    def of_bot(self, client: Client, bot: object) -> KnowledgeBase:
        """The one of a client's own bot. Raises errors.NotFound for any other name."""
        base = self.for_client(client).serving(bot).first() if isinstance(bot, str) else None
        if base is None:
            raise NotFound("unknown_bot", "There is no bot of this id.")
        base.client = client  # at hand: nobody need read it again
        return base


class KnowledgeBase(models.Model):
    """One body of knowledge, with one collection in Chroma."""

    # What stands as its problem until it is filled in on the server that it moved to.
    MOVED = "not filled in yet on its new server"

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="knowledge_bases")
    public_id = models.CharField(max_length=32, unique=True, default=new_base_id, editable=False)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=16, default="english")
    embedding_model = models.CharField(max_length=80)
    # Of its vectors: a higher one by each change of model, and with each move.
    generation = models.PositiveIntegerField(default=1)
    # Of the passages that answers may use now; kept for BM25, checked by rebuild_index.
    live_passages = models.PositiveIntegerField(default=0)
    live_terms = models.PositiveBigIntegerField(default=0)
    # Which Chroma server holds its vectors: a name of settings.CHROMA_SHARDS, or the usual one.
    shard = models.CharField(max_length=40, blank=True)
    # When its collection was last found whole; empty while it is to be looked at.
    index_checked_at = models.DateTimeField(null=True, blank=True)
    # Until when a worker that makes it anew has said that it is at it.
    healing_until = models.DateTimeField(null=True, blank=True)
    index_problem = models.CharField(max_length=80, blank=True)
    # When a worker last took up one of its sources: clients take turns.
    served_at = models.DateTimeField(null=True, blank=True)

    objects = KnowledgeBaseQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def collection(self) -> str:
        return self.collection_of(self.generation)

    def collection_of(self, generation: int) -> str:
        return f"{self.public_id}-v{generation}"

    @property
    def model(self) -> EmbeddingModel:
        return model_of(self.embedding_model)
