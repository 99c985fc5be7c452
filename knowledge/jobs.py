"""The row is the job: who works on a source, and how it ends.

Whoever works on a source holds its lease (chatbot_saas.lib.lease), and every change of it is
written only while the lease is held, so that two workers can never both write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from chatbot_saas.lib import lease
from chatbot_saas.lib.lease import LeaseLost as LeaseLost
from chatbot_saas.lib.lease import held
from chatbot_saas.lib.lease import renew as renew
from chatbot_saas.lib.lease import stale_since as stale_since
from chatbot_saas.lib.storage import StorageDown
from knowledge.discard import discard
from knowledge.engine.errors import EmbedderDown, EmbedderRefused, Unreadable
from knowledge.engine.reading_processes import ServerGone
from knowledge.models import Source
from knowledge.removal import remove_passages

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
TOGETHER = 16  # short sources of one base: a second or two of work
WOKEN_AT_ONCE = 10  # workers, for many sources: each goes on until nothing waits
GAVE_UP = "This file could not be processed, also after several tries."


_BEGUN = {"state": Source.State.READING, "attempts": F("attempts") + 1}


class Paused(Exception):
    """The work was put down in the middle, so that others have their turn."""


def work_on(source: Source, step: Callable[[Source], object]) -> None:
    """Do one step with a claimed source; say in its row how it ended."""
    with outcome(source):
        step(source)


@contextmanager
def outcome(source: Source) -> Iterator[None]:
    """What ends the work on a source in here is written into its row, and goes no further."""
    try:
        yield
    except Paused:
        _put_down(source)
    except Unreadable as error:
        _fail(source, str(error))
    except EmbedderRefused as error:
        logger.warning("source %s: %s", source.public_id, error)
        _try_again(source, str(error))
    except ServerGone:
        logger.warning("source %s: its reading server was killed", source.public_id)
        _try_again(source, GAVE_UP)
    except EmbedderDown as error:
        logger.warning("source %s waits: the embedding model is down (%s)", source.public_id, error)
        _wait(source)
    except StorageDown as error:
        logger.warning("source %s waits: the storage is down (%s)", source.public_id, error)
        _wait(source)
    except LeaseLost:
        logger.info("source %s was taken over or deleted", source.public_id)


def claim(source_id: int) -> Source | None:
    """Take the lease of a source that is unfinished and that nobody holds."""
    wanted = Source.objects.filter(pk=source_id).unfinished()
    if not (taken := lease.claim(wanted, **_BEGUN)):
        return None
    own = Source.objects.select_related("knowledge_base").filter(pk=source_id, lease=taken)
    source = own.first()
    if source is None or source.attempts <= MOST_ATTEMPTS:
        return source
    # Not the file's fault, as far as is known: it is kept, so that somebody may try again.
    _fail(source, GAVE_UP, keep=source.file)
    return None


def claim_alike(source: Source) -> list[Source]:
    """Of a claimed source that is short, others of its base that are, to be worked on with it.

    One that was tried before is worked on alone: it may be what the others would fail with.
    """
    if not source.is_short or source.attempts > 1:
        return []
    alike = Source.objects.takeable(stale_since()).short()
    alike = alike.filter(knowledge_base=source.knowledge_base, attempts=0)
    # Two who want the same ones must not wait for each other.
    free = alike.order_by("heartbeat_at", "pk").select_for_update(skip_locked=True, of=("self",))
    with transaction.atomic():
        ids = list(free.values_list("pk", flat=True)[: TOGETHER - 1])
        taken = lease.claim(Source.objects.filter(pk__in=ids), **_BEGUN) if ids else ""
    claimed = list(Source.objects.filter(lease=taken).order_by("pk")) if taken else []
    for one in claimed:
        one.knowledge_base = source.knowledge_base
    return claimed


def _put_down(source: Source) -> None:
    """Behind all others of its client; what is stored of it stays, and this was no failed try."""
    queued = {"state": Source.State.QUEUED, "lease": "", "heartbeat_at": timezone.now()}
    held(source).update(attempts=0, **queued)


def _wait(source: Source) -> None:
    """Not taken up again before the lease has become stale: a pause between tries."""
    waits = {"state": Source.State.QUEUED, "heartbeat_at": timezone.now()}
    # It was not the file's fault; with the first batch that was stored it had no tries any more.
    held(source).update(**waits, attempts=Greatest(F("attempts") - 1, 0))


def _try_again(source: Source, reason: str) -> None:
    """After a pause, as often as anything is tried; then the reason is for its owner to see."""
    if source.attempts >= MOST_ATTEMPTS:
        _fail(source, reason, keep=source.file)
        return
    held(source).update(state=Source.State.QUEUED, heartbeat_at=timezone.now())


def _fail(source: Source, reason: str, *, keep: str = "") -> None:
    """Say why; keep the row for that and nothing else, unless there is a file to `keep`."""
    if source.previous:
        _fall_back(source, reason)
        return
    stored = source.file
    try:
        _delete_unread(source, source.version)
        renew(source, state=Source.State.FAILED, error=reason[:300], lease="", file=keep)
    except LeaseLost:
        return
    if stored and not keep:
        discard(stored)


def _fall_back(source: Source, reason: str) -> None:
    """Of a new version that cannot be read: the one before goes on, and its row says why."""
    unread, before = source.file, dict(source.previous)
    same = Source.objects.filter(knowledge_base=source.knowledge_base)
    if same.exclude(pk=source.pk).holder(before["sha256"]):
        del before["sha256"]  # it came in as another document at the moment of replacing
    try:
        _delete_unread(source, source.version)
        renew(
            source,
            **before,
            state=Source.State.READY,
            progress=1.0,
            version=source.live_version,
            previous={},
            error=f"The new version could not be read. {reason}"[:300],
            lease="",
        )
    except LeaseLost:
        return
    if unread and unread != before["file"]:
        discard(unread)


def _delete_unread(source: Source, version: int) -> None:
    """What was stored of a version that answers never used, while the lease is held: whoever reads
    this version again takes what he finds of it for his own."""
    unread = source.passages.filter(version=version).unused()
    remove_passages(source, unread, beat=lambda: renew(source))
