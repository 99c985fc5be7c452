"""Begin and end a knowledge base's change to another embedding model."""

from __future__ import annotations

from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils import timezone

from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import Conflict
from knowledge import tasks
from knowledge.embedding import offered
from knowledge.models import KnowledgeBase, Reembedding

# What the caller wants to note in the transaction of the change, such as who made it.
Note = Callable[[Reembedding], object]


def begin(base: KnowledgeBase, model: str, *, note: Note | None = None) -> Reembedding:
    """Let a worker make vectors by this model and change over then. Raises Conflict."""
    if model not in {one.name for one in offered()}:
        raise Conflict("unknown_model", "There is no such search model on this server.")
    try:
        with transaction.atomic():
            current = KnowledgeBase.objects.select_for_update(no_key=True).get(pk=base.pk)
            if current.embedding_model == model:
                raise Conflict("same_model", "Its search model is this one already.")
            change = Reembedding.objects.create(
                knowledge_base=base,
                embedding_model=model,
                generation=Reembedding.objects.next_generation(current),
            )
            if note:
                note(change)
            after_commit(tasks.reembed_base.delay, change.pk, change.turn)
    except IntegrityError as error:
        raise Conflict("busy", "Another change of its search model is going on.") from error
    return change


def cancel(change: Reembedding, *, note: Note | None = None) -> None:
    """Stop it; everything stays as it was. Raises Conflict when it has ended."""
    with transaction.atomic():
        working = Reembedding.objects.filter(pk=change.pk).unfinished()
        cancelled = Reembedding.State.CANCELLED
        if not working.update(state=cancelled, lease="", heartbeat_at=timezone.now()):
            raise Conflict("ended", "This change has come to its end already.")
        if note:
            note(change)
