"""New versions of sources. Answers use the one before until the new one is ready, then the new one
alone; one that cannot be read leaves the one before as it was (ingest does both)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import PurePath

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import Conflict, NotFound, UnsupportedType
from knowledge import tasks
from knowledge.discard import discard
from knowledge.models import Source
from knowledge.upload import Upload

# What the caller wants to note in the transaction of the change, such as who made it.
Note = Callable[[Source], object]


@dataclass(frozen=True, slots=True)
class Version:
    """What a source is read from: a file of the storage, its own from now on.

    The names are those of the fields of the source. `sha256` is of what is read.
    """

    title: str
    url: str
    format: str
    file: str
    bytes: int
    sha256: str


@transaction.atomic
def begin(source: Source, new: Version) -> bool:
    """Have a new version read; of several the last one wins. False when the source is gone.

    Raises IntegrityError when another source of the base has the same text.
    """
    there = Source.objects.filter(pk=source.pk).exclude(state=Source.State.GONE)
    before = there.select_for_update().first()
    if before is None:  # deleted by hand at this moment
        after_commit(discard, new.file)
        return False
    answering = before.answering_version()
    Source.objects.filter(pk=source.pk).update(
        **asdict(new),
        previous=answering,
        version=F("version") + 1,
        state=Source.State.QUEUED,
        progress=0,
        error="",
        attempts=0,
        lease="",
        heartbeat_at=timezone.now(),
    )
    # What was stored of a version that never became ready is deleted by whoever reads this one.
    unused = {before.file} - {new.file, answering.get("file"), ""}
    after_commit(_discard, unused)
    after_commit(tasks.ingest_next.delay)
    return True


def _discard(files: set[str]) -> None:
    for file in files:
        discard(file)


def replace(source: Source, upload: Upload, *, note: Note) -> bool:
    """Have a received file read in the place of the one before; False for the same bytes again.

    Raises Conflict and UnsupportedType; what `note` raises takes all of it back.
    """
    if not source.can_be_replaced:
        raise Conflict("not_replaceable", "A page of a website is read again with its website.")
    if upload.format == "zip":
        raise UnsupportedType("file_type", "A ZIP cannot stand in for one document.")
    if upload.sha256 == source.sha256 and source.state != Source.State.FAILED:
        return False
    _require_only(source, upload.sha256)
    folder = source.knowledge_base.client.public_id
    # A name of its own: the file of the version that answers must not be written over.
    name = f"{folder}/{source.public_id}-{secrets.token_hex(4)}"
    stored = default_storage.save(name, upload.file)
    new = Version(
        title=PurePath(upload.name).stem,
        url=source.url,
        format=upload.format,
        file=stored,
        bytes=upload.bytes,
        sha256=upload.sha256,
    )
    try:
        _begin(source, new, note)
    except BaseException:
        discard(stored)
        raise
    return True


@transaction.atomic
def read_again(source: Source, *, note: Note) -> None:
    """Read a source's file anew, as after the reader has learned something. Raises Conflict."""
    # Locked before looking: a file that comes in at this moment must not be put back.
    source = Source.objects.select_for_update().get(pk=source.pk)
    if source.is_working:
        raise Conflict("busy", "It is being read at this moment.")
    if not source.file or not default_storage.exists(source.file):
        raise Conflict("not_retryable", "Its file is gone: please upload it again.")
    same = Version(
        title=source.title,
        url=source.url,
        format=source.format,
        file=source.file,
        bytes=source.bytes,
        sha256=source.sha256,
    )
    _require_only(source, source.sha256)
    _begin(source, same, note)


@transaction.atomic
def _begin(source: Source, new: Version, note: Note) -> None:
    try:
        is_there = begin(source, new)
    except IntegrityError as error:
        raise Conflict("same_bytes", "Another document got this content meanwhile.") from error
    if not is_there:
        raise NotFound("gone", "This document was deleted meanwhile.")
    note(source)


def _require_only(source: Source, sha256: str) -> None:
    """Raise Conflict when another source of the base has these bytes: one is enough."""
    own = Source.objects.filter(knowledge_base=source.knowledge_base)
    if other := own.exclude(pk=source.pk).holder(sha256):
        raise Conflict("same_bytes", f"“{other.title}” has exactly this content already.")
