"""What a worker does with files that came straight into the storage: hash them, let them in.

The row is the job: the sweep finds one that nobody looked at. Two workers at once do no harm,
because only one of them can move the row on.
"""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import timedelta
from pathlib import PurePath

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Client
from billing import limits
from billing.limits import PlanLimit
from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.storage import StorageDown, parted_uploads
from knowledge import holdings, page_sources
from knowledge.discard import discard
from knowledge.models import DirectUpload, Source

logger = logging.getLogger(__name__)

CHUNK = 1024 * 1024
BEAT_SECONDS = 1.0
KEPT_DAYS = 7
MOST_AT_ONCE = 200
GONE = "This file is gone. Please send it again."

State = DirectUpload.State


def take(upload_id: int) -> int | None:
    """Make a source of a file that was sent; its id if it is to be read. Harmless twice."""
    rows = DirectUpload.objects.select_related("knowledge_base__client")
    row = rows.filter(pk=upload_id, state=State.CHECKING).first()
    if row is None:
        return None
    try:
        source = _taken(row, _sha256(row))
    except StorageDown as error:
        logger.warning("upload %s waits: the storage is down (%s)", row.public_id, error)
        return None
    except FileNotFoundError:
        refuse(row, GONE)
        return None
    except PlanLimit as error:
        refuse(row, error.message)
        return None
    return source.pk if source else None


def refuse(row: DirectUpload, reason: str) -> None:
    """Say why, and keep nothing else of it."""
    same = DirectUpload.objects.filter(pk=row.pk).open()
    if same.update(state=State.REFUSED, error=reason[:300]):
        discard(row.file)


def abandon(row: DirectUpload) -> bool:
    """Forget an upload that was not finished; False when it was."""
    same = DirectUpload.objects.filter(pk=row.pk, state=State.SENDING)
    if not same.exists():
        return False
    # The parts first: a row without parts does no harm, parts without a row are never found.
    if (parts := parted_uploads()) is not None:
        parts.abort_all(row.file)
    if not same.delete()[0]:
        return False
    discard(row.file)
    return True


def sweep() -> list[int]:
    """Forget what was never finished, or long ago; the ids of those that nobody looked at."""
    now = timezone.now()
    try:
        for row in DirectUpload.objects.overdue(now)[:MOST_AT_ONCE]:
            abandon(row)
    except StorageDown as error:
        logger.warning("unfinished uploads stay: the storage is down (%s)", error)
    old = now - timedelta(days=KEPT_DAYS)
    DirectUpload.objects.over().filter(heartbeat_at__lt=old).delete()
    stale = now - timedelta(seconds=settings.INGEST_LEASE_SECONDS)
    found = list(DirectUpload.objects.unchecked(stale).values_list("pk", flat=True)[:MOST_AT_ONCE])
    DirectUpload.objects.filter(pk__in=found).update(heartbeat_at=now)
    return found


def _sha256(row: DirectUpload) -> str:
    digest, last = hashlib.sha256(), time.monotonic()
    with default_storage.open(row.file) as file:
        for chunk in file.chunks(CHUNK):
            digest.update(chunk)
            if time.monotonic() - last >= BEAT_SECONDS:
                _beat(row)
                last = time.monotonic()
    return digest.hexdigest()


def _beat(row: DirectUpload) -> None:
    DirectUpload.objects.filter(pk=row.pk).update(heartbeat_at=timezone.now())


def _taken(row: DirectUpload, sha256: str) -> Source | None:
    """The new source; None when there is one of these bytes, or somebody else was faster."""
    try:
        return _take(row, sha256)
    except IntegrityError:
        # The same bytes came in another way at this moment, and are there now.
        return _take(row, sha256)


@transaction.atomic
def _take(row: DirectUpload, sha256: str) -> Source | None:
    client = Client.objects.select_for_update().get(pk=row.knowledge_base.client_id)
    same = DirectUpload.objects.filter(pk=row.pk, state=State.CHECKING)
    held = page_sources.holder(row.knowledge_base, sha256)
    source = held or _source(row, sha256)
    if not same.update(state=State.TAKEN, source=source, heartbeat_at=timezone.now()):
        transaction.set_rollback(True)
        return None
    if held is not None:
        after_commit(discard, row.file)
        return None
    there = holdings.of(client, without=source)
    limits.require_document(
        client,
        documents=there["documents"],
        used_bytes=there["knowledge_bytes"],
        new_bytes=source.bytes,
    )
    return source


def _source(row: DirectUpload, sha256: str) -> Source:
    return Source.objects.create(
        knowledge_base=row.knowledge_base,
        title=PurePath(row.name).stem,
        format=row.format,
        file=row.file,
        bytes=row.bytes,
        sha256=sha256,
    )
