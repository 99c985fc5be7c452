"""Whose source is next: clients take turns, so that one's ten thousand files do not keep another's
single one waiting.

A message wakes a worker; which source it then takes up is decided here, from the rows alone, so
that no order of messages and no loss of them is unfair to anybody. A long source is put down after
a while when others wait, and goes on later from where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Min
from django.utils import timezone

from knowledge import ingest, jobs, unpack
from knowledge.models import KnowledgeBase, Source

# Whoever takes a file up reads it again from its beginning: at most a fifth of the time.
LEAST_SLICES_OF_READING = 4
# Also when no document waits: other work may, and a task that takes an hour is ended.
LONGEST_SECONDS = 120.0
NEVER = datetime.min.replace(tzinfo=UTC)


def take_some(wake: Callable[[], object]) -> bool:
    """Work for a while, on one source after another, each the one whose turn it is then. Whether
    some still wait: then somebody must be woken again. `wake` is called for another worker, when
    more wait than the first source or come in: one message may have been sent for many."""
    until = time.monotonic() + settings.INGEST_SLICE_SECONDS
    is_first = True
    while take_one(wake, pass_on=is_first):
        is_first = False
        if time.monotonic() > until:
            return somebody_waits()
    return False


def take_one(wake: Callable[[], object] = lambda: None, *, pass_on: bool = False) -> bool:
    """Work on the source whose turn it is, and with a short one on others like it, as long as that
    lasts; False when none waits."""
    source = _next()
    if source is None:
        return False
    sources = [source, *jobs.claim_alike(source)]
    if pass_on and somebody_waits():
        wake()
    if source.format == "zip":
        unpack.unpacked(source, wake=wake)
    else:
        ingest.run(sources, is_over=Slice().is_over)
    return True


def _next() -> Source | None:
    """Claim the source that is due. Whoever loses one to another worker looks again."""
    while (chosen := _chosen()) is not None:
        _let_more_come(chosen)
        if (source := jobs.claim(chosen.pk)) is not None:
            KnowledgeBase.objects.filter(pk=source.knowledge_base_id).update(
                served_at=timezone.now()
            )
            return source
    return None


def _chosen() -> Source | None:
    """Of the client for whom the fewest are worked on and who was served longest ago: the one that
    has waited longest."""
    stale_since = jobs.stale_since()
    waiting = Source.objects.takeable(stale_since)
    by_client = waiting.order_by().values_list("knowledge_base__client")
    since = dict(by_client.annotate(Min("heartbeat_at")))
    if not since:
        return None
    in_work = Source.objects.in_work(stale_since).order_by().values_list("knowledge_base__client")
    busy = dict(in_work.annotate(Count("pk")))
    bases = KnowledgeBase.objects.filter(client__in=since).order_by().values_list("client")
    served = dict(bases.annotate(Max("served_at")))
    client = min(
        since, key=lambda client: (busy.get(client, 0), served.get(client) or NEVER, since[client])
    )
    own = waiting.filter(knowledge_base__client=client)
    return own.order_by("heartbeat_at", "pk").first()


def _let_more_come(source: Source) -> None:
    """Short ones often come many at once, and cost less together (jobs.claim_alike)."""
    if not source.is_short:
        return
    until = source.heartbeat_at + timedelta(milliseconds=settings.INGEST_GATHER_MILLISECONDS)
    left = (until - timezone.now()).total_seconds()
    time.sleep(min(max(left, 0.0), settings.INGEST_GATHER_MILLISECONDS / 1000))


@dataclass(slots=True)
class Slice:
    """How long a worker stays with one source, or one change of model, while others wait."""

    began: float = field(default_factory=time.monotonic)
    until: float = 0.0

    def is_over(self) -> bool:
        now = time.monotonic()
        if not self.until:  # the first batch is stored: so long it took to begin
            worth_reading = LEAST_SLICES_OF_READING * (now - self.began)
            self.until = now + max(settings.INGEST_SLICE_SECONDS, worth_reading)
        is_long = now > max(self.until, self.began + LONGEST_SECONDS)
        return is_long or (now > self.until and somebody_waits())


def somebody_waits() -> bool:
    """Whether there is a source that a worker could take up now."""
    return Source.objects.takeable(jobs.stale_since()).exists()


def to_wake() -> int:
    """How many workers must be woken for sources that have waited long: their messages may be
    lost. One when somebody is at work, who may simply not have come to them yet."""
    since = jobs.stale_since()
    if not Source.objects.abandoned(since).exists():
        return 0
    return 1 if Source.objects.in_work(since).exists() else jobs.WOKEN_AT_ONCE
