"""Give a knowledge base another embedding model while it goes on answering by the one it has.

New vectors of all passages, also of those that are added meanwhile, wait beside the old ones, in
the database and in a collection of their own. When none is missing, the base changes over in one
transaction; whoever stores passages waits for it, or is seen by it (ingest). What is no longer
needed is deleted a while later, when no search that began before can ask for it.

The row is the job, with a lease as in ingest: a killed worker's work is taken over where it ended.
A large base takes an hour: after a while it is put down for others, as a long document is (turns).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Subquery
from django.utils import timezone

from chatbot_saas.lib import lease
from chatbot_saas.lib.lease import LeaseLost, held, renew
from knowledge import index
from knowledge.embedding import embedder_for, for_index, pack, unpack
from knowledge.engine.embed import Embedder
from knowledge.engine.errors import EmbedderDown, EmbedderRefused
from knowledge.jobs import Paused
from knowledge.models import KnowledgeBase, NextVector, Passage, PassageQuerySet, Reembedding
from knowledge.vectors import VectorsDown, vectors

logger = logging.getLogger(__name__)

BATCH = 32
FILL_BATCH = 500
MOST_ATTEMPTS = 60  # one after the other without a single new vector
EMBEDDING_SHARE = 0.95  # of the progress shown
NEVER_ANSWERED = "The model did not answer for a long time. Everything stays as it was."


Over = Callable[[], bool]


def _never() -> bool:
    return False


def reembed(reembedding_id: int, *, turn: int | None = None, is_over: Over = _never) -> int | None:
    """Take the change to its end, or on from where it was until `is_over` after some batch.

    The turn for which somebody must be woken then; None when it has ended, or waits for something.
    Harmless to call twice, at once or again; a `turn` that is over begins nothing.
    """
    change = _claim(reembedding_id, turn)
    if change is None:
        return None
    try:
        _work(change, is_over)
    except Paused:
        return _put_down(change)
    except EmbedderRefused as error:
        _fail(change, f"{error} Everything stays as it was.")
    except (EmbedderDown, VectorsDown) as error:
        logger.warning("%s waits: %s", change.public_id, error)
        _release(change)
    except LeaseLost:
        logger.info("%s was taken over, cancelled or deleted", change.public_id)
    return None


def _work(change: Reembedding, is_over: Over = _never) -> None:
    while True:
        _embed_missing(change, is_over)
        _fill(change, is_over)
        if _switch(change):
            return


def _claim(reembedding_id: int, turn: int | None) -> Reembedding | None:
    wanted = Reembedding.objects.filter(pk=reembedding_id).unfinished()
    if turn is not None:
        wanted = wanted.filter(turn=turn)
    begun = {"state": Reembedding.State.EMBEDDING, "attempts": F("attempts") + 1}
    if not (taken := lease.claim(wanted, turn=F("turn") + 1, **begun)):
        return None
    change = Reembedding.objects.select_related("knowledge_base").filter(lease=taken).first()
    if change is None or change.attempts <= MOST_ATTEMPTS:
        return change
    _fail(change, NEVER_ANSWERED)
    return None


def _embed_missing(change: Reembedding, is_over: Over = _never) -> None:
    """Bring vectors of all passages that have none yet, in batches that each are kept."""
    embedder = embedder_for(change.embedding_model)
    everything = _passages(change).count()
    done = NextVector.objects.filter(reembedding=change).count()
    for batch in _batches(change):
        done += _store(change, embedder, batch, progress=done / max(everything, 1))
        if is_over():
            raise Paused


def _batches(change: Reembedding) -> Iterator[list[Passage]]:
    """Those without a new vector, by their ids; what is added meanwhile comes along."""
    last = 0
    wanted = _missing(change).only("pk", "heading", "text").order_by("pk")
    while batch := list(wanted.filter(pk__gt=last)[:BATCH]):
        last = batch[-1].pk
        yield batch


def _store(
    change: Reembedding, embedder: Embedder, batch: list[Passage], *, progress: float
) -> int:
    rows = embedder.embed([passage.indexed_text for passage in batch])
    with transaction.atomic():
        renew(change, progress=EMBEDDING_SHARE * min(progress, 1.0), attempts=0)
        # A passage may have been deleted while it was embedded.
        alive = Passage.objects.filter(pk__in=[one.pk for one in batch]).order_by("pk")
        there = set(alive.select_for_update().values_list("pk", flat=True))
        made = NextVector.objects.bulk_create(
            NextVector(reembedding=change, passage=passage, embedding=pack(row))
            for passage, row in zip(batch, rows, strict=True)
            if passage.pk in there
        )
    return len(made)


def _fill(change: Reembedding, is_over: Over = _never) -> None:
    """Put the new vectors into the next collection, and all of them again if some got lost."""
    _push(change, is_over)
    if not _is_whole(change):
        vectors(change.knowledge_base.shard).drop(change.collection)
        change.filled = 0
        _push(change, is_over)


def _push(change: Reembedding, is_over: Over = _never) -> None:
    """Those that are not there yet, as far as the row knows."""
    shard = vectors(change.knowledge_base.shard)
    rows = NextVector.objects.filter(reembedding=change).order_by("pk")
    while batch := list(rows.filter(pk__gt=change.filled)[:FILL_BATCH]):
        renew(change)
        shard.add(
            change.collection,
            [row.passage_id for row in batch],
            for_index(change.model, unpack(bytes(row.embedding) for row in batch)),
        )
        renew(change, filled=batch[-1].pk)
        if is_over():
            raise Paused


def _is_whole(change: Reembedding) -> bool:
    rows = NextVector.objects.filter(reembedding=change).values_list("passage_id", "embedding")
    return index.compare(change.knowledge_base, change.collection, rows, change.model).ok


def _switch(change: Reembedding) -> bool:
    """Change over, if each passage that there is has its new vector."""
    bases = KnowledgeBase.objects.filter(pk=change.knowledge_base_id)
    with transaction.atomic():
        base = bases.select_for_update(no_key=True).first()
        if base is None:
            raise LeaseLost
        if _missing(change).exists():
            return False
        renew(
            change,
            state=Reembedding.State.DONE,
            progress=1.0,
            replaced=base.generation,
            error="",
        )
        new = NextVector.objects.filter(reembedding=change, passage=OuterRef("pk"))
        _passages(change).update(embedding=Subquery(new.values("embedding")))
        # To be looked at once more: passages may have been deleted since it was compared.
        bases.update(
            embedding_model=change.embedding_model,
            generation=change.generation,
            index_checked_at=None,
        )
    logger.info("%s answers by %s now", base.public_id, change.embedding_model)
    return True


def clear(change: Reembedding) -> None:
    """Delete what an ended change made and nobody needs, or what it replaced. Any number of times.

    Raises VectorsDown.
    """
    leftover = change.replaced or change.generation
    base = change.knowledge_base
    if leftover != base.generation:
        vectors(base.shard).drop(base.collection_of(leftover))
    while ids := list(change.vectors.values_list("pk", flat=True)[:FILL_BATCH]):
        NextVector.objects.filter(pk__in=ids).delete()
    Reembedding.objects.filter(pk=change.pk).update(is_cleared=True, lease="")


def _passages(change: Reembedding) -> PassageQuerySet:
    """All of the base, live or not: what is being read now will be live later."""
    return Passage.objects.filter(source__knowledge_base=change.knowledge_base_id)


def _missing(change: Reembedding) -> PassageQuerySet:
    made = NextVector.objects.filter(reembedding=change, passage=OuterRef("pk"))
    return _passages(change).filter(~Exists(made))


def _put_down(change: Reembedding) -> int | None:
    """For others; what was made stays, and this was no failed try. The turn that is next."""
    queued = {"state": Reembedding.State.QUEUED, "lease": "", "heartbeat_at": timezone.now()}
    return change.turn if held(change).update(attempts=0, **queued) else None


def _release(change: Reembedding) -> None:
    """Leave it for the sweeper, which waits until the heartbeat is old: a pause between tries."""
    held(change).update(state=Reembedding.State.QUEUED, heartbeat_at=timezone.now())


def _fail(change: Reembedding, reason: str) -> None:
    failed = Reembedding.State.FAILED
    held(change).update(state=failed, error=reason[:300], lease="", heartbeat_at=timezone.now())
