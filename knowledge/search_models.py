"""What members do with the embedding models of their knowledge: allowed, done, and noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from accounts import audit
from accounts.audit import Action
from accounts.http import MemberRequest
from accounts.models import Client
from billing import gate
from knowledge import change_model
from knowledge.embedding import offered
from knowledge.engine.catalogue import EmbeddingModel
from knowledge.models import KnowledgeBase, Reembedding


@dataclass(frozen=True, slots=True)
class Choice:
    """A knowledge base with the change that is going on or was the last, and its other models."""

    base: KnowledgeBase
    change: Reembedding | None
    others: Sequence[EmbeddingModel]


def choices(client: Client) -> list[Choice]:
    latest: dict[int, Reembedding] = {
        change.knowledge_base_id: change
        for change in Reembedding.objects.for_client(client).order_by("pk")
    }
    bases = KnowledgeBase.objects.for_client(client).order_by("pk")
    return [Choice(base, latest.get(base.pk), _others(base)) for base in bases]


def _others(base: KnowledgeBase) -> list[EmbeddingModel]:
    return [model for model in offered() if model.name != base.embedding_model]


def change(request: MemberRequest, base: KnowledgeBase, model: str) -> Reembedding:
    """Raises Conflict for a model that cannot be had, and while another change is going on."""
    gate.require_edit(request.client)
    return change_model.begin(base, model, note=partial(_note, request, Action.MODEL_CHANGED))


def cancel(request: MemberRequest, change: Reembedding) -> None:
    change_model.cancel(change, note=partial(_note, request, Action.MODEL_KEPT))


def _note(request: MemberRequest, action: Action, change: Reembedding) -> None:
    audit.record(request, request.client, action, change.model.title)
