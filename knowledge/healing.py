"""Keep the vector index whole without anybody's help.

Chroma may lose its disk with a redeploy, or damage a collection when it is killed. A collection of
our own tells one disk from another, and a connection that is kept open tells one run of a server
from the next (chatbot_saas.lib.restarts). A server that was away, however shortly, or has another
disk, makes all of its collections doubtful, and so does every night. What is doubtful is compared
with the database, and made anew from there when it differs: a row says what is to be done, whatever
message is lost.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chatbot_saas.lib.restarts import Run
from knowledge import index
from knowledge.models import IndexServer, KnowledgeBase, KnowledgeBaseQuerySet, Source
from knowledge.vectors import VectorsDown, shards, vectors

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
MOST_SWEEPS_IN_DOUBT = 20  # for a worker to come that knows whether a server ran on


def look_at_servers() -> None:
    """Doubt the collections of each server that was away, or lies on another disk than before."""
    for shard in shards():
        server, _ = IndexServer.objects.get_or_create(shard=shard)
        try:
            run = vectors(shard).run()  # first: should the server end now, the next look shows it
            _seen(server, vectors(shard).marker(), run)
        except VectorsDown:
            IndexServer.objects.filter(pk=server.pk).update(is_down=True)


@transaction.atomic
def _seen(server: IndexServer, marker: str, run: Run) -> None:
    is_as_before = marker == server.marker and not server.is_down and not run.was_away
    if is_as_before and not run.covers(server.seen_at):
        # Our connection is younger than that: another worker's may be older, unless all are new.
        if _is_recent(server.seen_at):
            return
        is_as_before = False
    if not is_as_before:
        logger.warning("Chroma (%s) was away or is new: its collections are checked", server)
        doubt(KnowledgeBase.objects.filter(shard=server.shard))
    same = IndexServer.objects.filter(pk=server.pk)
    same.update(marker=marker, is_down=False, seen_at=timezone.now())


def _is_recent(moment: datetime | None) -> bool:
    patience = timedelta(seconds=settings.SWEEP_SECONDS * MOST_SWEEPS_IN_DOUBT)
    return moment is not None and timezone.now() - moment < patience


def doubt(bases: KnowledgeBaseQuerySet) -> None:
    """Let these be compared with the database."""
    bases.doubt()


def doubted() -> KnowledgeBaseQuerySet:
    """Those to be compared now: not while something is being added, which would look damaged."""
    busy = Source.objects.unfinished().exclude(lease="").exclude(state=Source.State.QUEUED)
    doubtful = KnowledgeBase.objects.unchecked().exclude(pk__in=busy.values("knowledge_base"))
    doubtful = doubtful.exclude(healing_until__gt=timezone.now())
    return doubtful.exclude(shard__in=IndexServer.objects.down())


def heal_some() -> None:
    """Heal for half of the time between two sweeps: a lost disk must not keep all else waiting."""
    until = time.monotonic() + settings.SWEEP_SECONDS / 2
    for base in doubted().order_by("-pk")[:MOST_AT_ONCE]:
        heal(base)
        if time.monotonic() > until:
            return


def heal(base: KnowledgeBase) -> None:
    """Compare a base's collection with the database, and make it anew when it differs.

    Stays doubtful when Chroma does not answer, or when a source was published meanwhile.
    """
    began = timezone.now()
    if not _claimed(base):
        return
    base.refresh_from_db()  # it may have waited long enough for another collection
    try:
        health = _made_whole(base)
    except VectorsDown as error:
        logger.warning("the index of %s is checked later: %s", base.public_id, error)
        return
    if _published_since(base, began):
        return
    problem = "" if health.ok else "differs also after it was made anew"
    _in_place(base).update(index_checked_at=timezone.now(), index_problem=problem)
    KnowledgeBase.objects.filter(pk=base.pk).update(healing_until=None)


def _made_whole(base: KnowledgeBase) -> index.Health:
    health = index.check(base)
    # After a move something is missing for certain, however little: no sample need show it.
    is_moved = base.index_problem == KnowledgeBase.MOVED
    if health.ok and not is_moved:
        return health
    if not is_moved:
        _note(base, f"{health.indexed} of {health.stored} there, {health.found} found")
    index.rebuild(base, beat=lambda: _hold(base))
    if is_moved:
        _in_place(base).update(index_problem="")
    return index.check(base)


def _in_place(base: KnowledgeBase) -> KnowledgeBaseQuerySet:
    """The row, unless its collection is another one by now, of which nothing is known."""
    return KnowledgeBase.objects.filter(pk=base.pk, generation=base.generation)


def _claimed(base: KnowledgeBase) -> bool:
    """Whether nobody else is at it: two would drop what the other one has filled."""
    free = Q(healing_until=None) | Q(healing_until__lt=timezone.now())
    return bool(KnowledgeBase.objects.filter(free, pk=base.pk).update(healing_until=_soon()))


def _hold(base: KnowledgeBase) -> None:
    KnowledgeBase.objects.filter(pk=base.pk).update(healing_until=_soon())


def _soon() -> datetime:
    return timezone.now() + timedelta(seconds=settings.INGEST_LEASE_SECONDS)


def state() -> str:
    """For people who look at whether all is well: "whole", or how many are being healed."""
    doubtful = KnowledgeBase.objects.unchecked().count()
    broken = KnowledgeBase.objects.exclude(index_problem="").count()
    return f"{broken} broken, {doubtful} unchecked" if broken or doubtful else "whole"


def _note(base: KnowledgeBase, problem: str) -> None:
    logger.warning("the index of %s is made anew: %s", base.public_id, problem)
    _in_place(base).update(index_problem=problem[:80])


def _published_since(base: KnowledgeBase, moment: object) -> bool:
    return Source.objects.filter(knowledge_base=base, ready_at__gte=moment).exists()
