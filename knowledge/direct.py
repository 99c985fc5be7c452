"""Files that go straight into the storage: what is signed for them, and what we are told then.

A file goes in parts, each to an address that is good for exactly its bytes and for some hours.
Nobody sees it before we complete it, and from then on the addresses are worth nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client
from billing import gate, limits
from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import BadRequest, Conflict, TooManyRequests, UnsupportedType
from chatbot_saas.lib.storage import PartedUploads, StorageDown, parted_uploads
from knowledge import arrivals, holdings, tasks, upload
from knowledge.changes import Changer
from knowledge.engine.detect import HEAD_BYTES, WrongType, format_of
from knowledge.models import DirectUpload, KnowledgeBase, new_source_id

PART_BYTES = 16 * 1024 * 1024
SIGNED_SECONDS = 6 * 3600  # 500 MB through a line of 200 kbit/s
MOST_OPEN = 100

State = DirectUpload.State


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `start` to `end` of the file, and where to PUT them."""

    number: int
    start: int
    end: int
    url: str


def is_on() -> bool:
    return parted_uploads() is not None


def origin() -> str:
    """Where the parts go, for the policy of a page that sends some."""
    try:
        parts = parted_uploads()
        return parts.origin if parts else ""
    except StorageDown:  # without keys nothing can be signed, but the page is more than that
        return ""


def begin(request: Changer, base: KnowledgeBase, name: str, size: int) -> DirectUpload:
    """Make ready for a file. Raises a CallerError for one that could not be taken."""
    gate.require_edit(request.client)
    parts = _parted()
    file_format = _promised(name, size)
    row = _reserved(request.client, base, name, file_format, size)
    # The row goes first: of whatever is begun at the storage there is a row that says so.
    try:
        row.parts_id = parts.begin(row.file)
    except StorageDown:
        # Nobody learns of this row: the next sweep may have it.
        DirectUpload.objects.filter(pk=row.pk).update(expires_at=timezone.now())
        raise
    row.save(update_fields=["parts_id"])
    return row


def parts_of(row: DirectUpload) -> list[Part]:
    """All parts, signed anew."""
    parts = _parted()
    found = list[Part]()
    for number, start in enumerate(range(0, row.bytes, PART_BYTES), 1):
        end = min(start + PART_BYTES, row.bytes)
        url = parts.sign(row.file, row.parts_id, number, bytes=end - start, seconds=SIGNED_SECONDS)
        found.append(Part(number, start, end, url))
    return found


def finish(request: Changer, row: DirectUpload) -> DirectUpload:
    """All parts were sent: have a worker look at them. Harmless to call twice.

    Raises a CallerError for what can be seen at once.
    """
    gate.require_edit(request.client)
    if row.state != State.SENDING:
        return row
    _complete(_parted(), row)
    try:
        file_format = format_of(row.name, _head(row))
    except WrongType as error:
        arrivals.refuse(row, str(error))
        raise UnsupportedType("file_type", str(error)) from error
    with transaction.atomic():
        same = DirectUpload.objects.filter(pk=row.pk, state=State.SENDING)
        now = timezone.now()
        if same.update(state=State.CHECKING, format=file_format, heartbeat_at=now):
            by = cast(HttpRequest, request)
            facts = {"upload": row.public_id, "bytes": row.bytes}
            audit.record(by, request.client, Action.SOURCE_ADDED, row.name, **facts)
            after_commit(tasks.take_upload.delay, row.pk)
    row.refresh_from_db()
    return row


def cancel(request: Changer, row: DirectUpload) -> None:
    """Take back what was signed. Raises Conflict for a file that has been sent."""
    gate.require_edit(request.client)
    if not arrivals.abandon(row):
        raise Conflict("upload_finished", "This file was sent already: delete its document.")


def _parted() -> PartedUploads:
    parts = parted_uploads()
    if parts is None:
        raise Conflict("direct_uploads_off", "Here files are sent to POST /api/documents.")
    return parts


def _promised(name: str, size: int) -> str:
    """The format that a name promises, once that and the size are fine."""
    upload.check_name(name)
    if not size:
        raise BadRequest("file_empty", f"“{name}” is empty.")
    if size > settings.MAX_UPLOAD_BYTES:
        raise upload.too_large()
    try:
        return format_of(name, b"")
    except WrongType as error:
        raise UnsupportedType("file_type", str(error)) from error


@transaction.atomic
def _reserved(
    client: Client, base: KnowledgeBase, name: str, file_format: str, size: int
) -> DirectUpload:
    """The row of a file for which there is room, those counted that are on their way."""
    client = Client.objects.select_for_update().get(pk=client.pk)
    there = holdings.of(client)
    under_way = DirectUpload.objects.for_client(client).open()
    if under_way.count() >= MOST_OPEN:
        raise TooManyRequests(
            "too_many_uploads", "Too many files are on their way. Finish some.", retry_after=60
        )
    limits.require_document(
        client,
        documents=there["documents"],
        used_bytes=there["knowledge_bytes"] + (under_way.aggregate(sum=Sum("bytes"))["sum"] or 0),
        new_bytes=size,
    )
    return DirectUpload.objects.create(
        knowledge_base=base,
        name=name,
        format=file_format,
        bytes=size,
        file=f"{client.public_id}/{new_source_id()}",
        expires_at=timezone.now() + timedelta(seconds=SIGNED_SECONDS),
    )


def _complete(parts: PartedUploads, row: DirectUpload) -> None:
    """Make a file of the parts, unless some are missing or it is one already."""
    try:
        sent = parts.sent(row.file, row.parts_id)
    except FileNotFoundError:
        if _is_complete(row):
            return
        raise Conflict("upload_over", "This upload is over: please begin it again.") from None
    wanted = [(part.number, part.end - part.start) for part in parts_of(row)]
    if [(part.number, part.bytes) for part in sent] != wanted:
        raise Conflict("upload_incomplete", "Not all parts of this file have arrived.")
    try:
        parts.complete(row.file, row.parts_id, sent)
    except FileNotFoundError:  # somebody else finished or cancelled it at this moment
        if not _is_complete(row):
            raise Conflict("upload_over", "This upload is over: please begin it again.") from None


def _is_complete(row: DirectUpload) -> bool:
    return default_storage.exists(row.file) and default_storage.size(row.file) == row.bytes


def _head(row: DirectUpload) -> bytes:
    with default_storage.open(row.file) as file:
        return bytes(file.read(HEAD_BYTES))
