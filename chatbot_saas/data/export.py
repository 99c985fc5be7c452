"""Exports of everything that a client has: asked for, built by the worker, downloaded, expired.

The row is the job, as with sources (knowledge.ingest): whoever builds holds its lease and renews
it; a worker that was killed stops renewing, and another one begins the archive anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO

from celery import current_app
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import audit, limits, outbox
from accounts.audit import Action
from accounts.models import Client, Export, Membership
from accounts.roles import Act, Role
from chatbot_saas.data import archive
from chatbot_saas.lib import lease
from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import CallerError, Conflict
from chatbot_saas.lib.lease import LeaseLost, held, renew
from chatbot_saas.lib.storage import StorageDown, listed
from knowledge.discard import discard as discard_file

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
MOST_AT_ONCE = 100
BEAT_SECONDS = 0.5
TASK = "chatbot_saas.tasks.build_export"


class Gone(CallerError):
    status = 410
    title = "This export has expired"


class StoredArchive(File):
    """A finished file that the storage may move instead of copying; if it copies, it beats."""

    def __init__(self, file: IO[bytes], path: Path, beat: archive.Beat) -> None:
        super().__init__(file, str(path))
        self.beat = beat

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for chunk in super().chunks(chunk_size):
            self.beat(0.99)
            yield chunk

    def temporary_file_path(self) -> str:
        return str(self.name)


def request_export(request: HttpRequest, client: Client) -> Export:
    """Queue an export. Raises Conflict while another one is being built."""
    limits.spend(request, "export_client", client.public_id)
    by = getattr(request, "user", None)
    try:
        with transaction.atomic():
            export = Export.objects.create(client=client, requested_by_id=getattr(by, "pk", None))
            audit.record(request, client, Action.EXPORT_REQUESTED, export.public_id)
            after_commit(wake, export.pk)
    except IntegrityError as error:
        raise Conflict(
            "export_running", "An export is being built already: you will get a mail."
        ) from error
    return export


def wake(export_id: int) -> None:
    """Queue the task by its name: tasks lie a layer above."""
    current_app.send_task(TASK, args=[export_id])


def build(export_id: int) -> None:
    """Take an export to ready or failed. Harmless to call twice, at once or again."""
    export = _claim(export_id)
    if export is None:
        return
    path = _temporary(export)
    try:
        discard(export)  # what a killed worker left
        archive.write(path, export.client, _beat_of(export), site=settings.SITE_NAME)
        _publish(export, path)
    except StorageDown as error:
        logger.warning("export %s waits: the storage is down (%s)", export.public_id, error)
        _wait(export)
    except LeaseLost:
        logger.info("export %s was taken over or deleted", export.public_id)
    finally:
        path.unlink(missing_ok=True)


def opened(request: HttpRequest, export: Export) -> str:
    """The stored file of an export that may be downloaded now; notes who took it."""
    if export.state not in {Export.State.READY, Export.State.EXPIRED}:
        raise Conflict("export_not_ready", "This export is not ready.")
    is_over = export.expires_at is None or export.expires_at <= timezone.now()
    if is_over or not default_storage.exists(export.file):
        days = settings.EXPORT_DAYS
        raise Gone("export_expired", f"Exports are kept for {days} days. Please ask for a new one.")
    audit.record(request, export.client, Action.EXPORT_DOWNLOADED, export.public_id)
    return export.file


def abandoned() -> list[int]:
    """Unfinished exports that nobody has worked on for as long as a lease lasts."""
    return lease.abandoned(Export.objects.abandoned(lease.stale_since()), MOST_AT_ONCE)


def expire_old() -> None:
    """Delete the files of exports whose time is over."""
    over = Export.objects.filter(state=Export.State.READY, expires_at__lte=timezone.now())
    for export in over[:MOST_AT_ONCE]:
        _expire(export)


def discard(export: Export) -> None:
    """Delete all files of an export, those of killed workers included."""
    for leftover in _folder().glob(f"{_prefix(export)}*"):
        leftover.unlink(missing_ok=True)
    if export.file:
        discard_file(export.file)
    folder = _stored_folder(export.client)
    for name in listed(folder)[1]:
        if name.startswith(export.public_id):
            default_storage.delete(f"{folder}/{name}")


def _expire(export: Export) -> None:
    # The row first: a file without a row is found again, a row without its file is a lie.
    same = Export.objects.filter(pk=export.pk, state=Export.State.READY)
    if same.update(state=Export.State.EXPIRED, file="", bytes=0):
        discard(export)


def _claim(export_id: int) -> Export | None:
    """Take the lease of an export that is unfinished and that nobody holds."""
    wanted = Export.objects.filter(pk=export_id).unfinished()
    begun = {"state": Export.State.WORKING, "progress": 0, "attempts": F("attempts") + 1}
    if not (taken := lease.claim(wanted, **begun)):
        return None
    export = Export.objects.select_related("client", "requested_by").filter(lease=taken).first()
    if export is None:
        return None
    if export.attempts <= MOST_ATTEMPTS:
        return export
    renew(export, state=Export.State.FAILED, lease="", error="It failed several times.")
    discard(export)
    logger.error("export %s given up", export.public_id)
    return None


def _publish(export: Export, path: Path) -> None:
    """Move the archive into the storage and tell who asked; older exports end with that."""
    renew(export)
    name = f"{_stored_folder(export.client)}/{export.public_id}-{export.lease[:8]}.zip"
    size = path.stat().st_size
    with path.open("rb") as file:
        stored = default_storage.save(name, StoredArchive(file, path, _beat_of(export)))
    now = timezone.now()
    try:
        with transaction.atomic():
            renew(
                export,
                state=Export.State.READY,
                progress=1.0,
                file=stored,
                bytes=size,
                ready_at=now,
                expires_at=now + timedelta(days=settings.EXPORT_DAYS),
                lease="",
            )
            _tell(export)
    except BaseException:
        default_storage.delete(stored)
        raise
    others = Export.objects.for_client(export.client).filter(state=Export.State.READY)
    for older in others.exclude(pk=export.pk):
        _expire(older)


def _tell(export: Export) -> None:
    """Mail whoever asked, if they are still one who may have it."""
    owners = Membership.objects.for_client(export.client).working()
    asked = owners.filter(user=export.requested_by, role__in=_may_have()).select_related("user")
    for membership in asked:
        context = {
            "client": export.client,
            "url": settings.SITE_URL + reverse("data"),
            "days": settings.EXPORT_DAYS,
            "site_name": settings.SITE_NAME,
        }
        outbox.send(
            membership.user.email,
            f"The export of {export.client.name} is ready",
            render_to_string("data/mail/export_ready.txt", context),
            dedupe_key=f"export:{export.client.public_id}:{export.public_id}",
            client=export.client,
        )


def _may_have() -> list[Role]:
    return [role for role in Role if Membership(role=role).may(Act.MANAGE_DATA)]


def _beat_of(export: Export) -> archive.Beat:
    """Renews the lease, but not with every batch."""
    last = 0.0

    def beat(progress: float) -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_SECONDS:
            renew(export, progress=progress)
            last = time.monotonic()

    return beat


def _wait(export: Export) -> None:
    """Leave it for the sweeper, once its lease has run out; the try does not count."""
    held(export).update(heartbeat_at=timezone.now(), attempts=F("attempts") - 1)


def _folder() -> Path:
    """Beside the storage, so that a finished archive is moved there by renaming."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def _prefix(export: Export) -> str:
    return f"export-{export.public_id}"


def _temporary(export: Export) -> Path:
    return _folder() / f"{_prefix(export)}-{export.lease[:8]}.zip"


def _stored_folder(client: Client) -> str:
    return f"{client.public_id}/exports"
