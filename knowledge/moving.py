"""Move a knowledge base to another Chroma server.

The move is a change of its row. From then on its vectors are those of a new collection on the other
server, which healing fills from the database; until that is done it is searched as a base whose
index was lost. The new collection has a number of its own, as by a change of model: so whoever
works with the base as it was sees that (storing.py, retrieve.py), and no collection that is to be
dropped is ever one that is in use, also when the base comes back.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import Conflict
from knowledge import tasks
from knowledge.models import IndexServer, KnowledgeBase, LeftCollection, Passage, Reembedding
from knowledge.vectors import shards

# What the caller wants to note in the transaction of the move, such as who made it.
Note = Callable[[KnowledgeBase], object]


def move(base: KnowledgeBase, shard: str, *, note: Note | None = None) -> None:
    """Let this server hold the vectors of the base from now on. Raises Conflict."""
    if shard not in shards():
        raise Conflict("unknown_server", f"CHROMA_SHARDS names no server “{shard}”.")
    if shard in IndexServer.objects.down():
        raise Conflict("server_down", "That server does not answer.")
    with transaction.atomic():
        # Whoever stores passages waits here, or has stored them: these are filled in.
        current = KnowledgeBase.objects.select_for_update(no_key=True).get(pk=base.pk)
        if current.shard == shard:
            raise Conflict("same_server", "It lies on this server already.")
        if Reembedding.objects.filter(knowledge_base=current).unfinished().exists():
            raise Conflict("busy", "Its search model is being changed: move it after that.")
        _leave(current)
        _go_to(current, shard)
        if note:
            note(current)
        after_commit(tasks.heal_doubted.delay)


def _leave(base: KnowledgeBase) -> None:
    """What lies on its server is dropped later, when nobody can be using it any more."""
    LeftCollection.objects.bulk_create(
        LeftCollection(knowledge_base=base, shard=base.shard, collection=collection)
        for collection in Reembedding.objects.collections(base)
    )


def _go_to(base: KnowledgeBase, shard: str) -> None:
    has_passages = Passage.objects.filter(source__knowledge_base=base).exists()
    KnowledgeBase.objects.filter(pk=base.pk).update(
        shard=shard,
        generation=Reembedding.objects.next_generation(base),
        index_checked_at=None,
        index_problem=KnowledgeBase.MOVED if has_passages else "",
    )
