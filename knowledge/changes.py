"""What members and programs change in a client's knowledge: allowed, done, and noted who did it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest

from accounts import audit
from accounts.audit import Action
from accounts.http import ClientApiRequest, MemberRequest
from accounts.models import Client
from billing import gate, limits
from knowledge import holdings, sources, upload, versions
from knowledge.models import KnowledgeBase, Source

Changer = MemberRequest | ClientApiRequest


def add_file(request: Changer, base: KnowledgeBase, file: TemporaryUploadedFile | None) -> Source:
    """The source of a received file. Raises a CallerError for one that cannot be taken."""
    gate.require_edit(request.client)
    received = upload.checked(file)
    return sources.add_upload(base, received, note=partial(_admit, request))


def add_text(request: Changer, base: KnowledgeBase, title: str, text: str) -> Source:
    gate.require_edit(request.client)
    return sources.add_text(base, title, text, note=partial(_admit, request))


def replace(request: Changer, source: Source, file: TemporaryUploadedFile | None) -> bool:
    """Have a received file read as the source's new version; False for the same bytes again.

    Raises a CallerError for one that cannot be taken.
    """
    gate.require_edit(request.client)
    return versions.replace(source, upload.checked(file), note=partial(_admit_version, request))


def read_again(request: Changer, source: Source) -> None:
    """Also of one that failed, if its file is kept. Raises Conflict."""
    gate.require_edit(request.client)
    versions.read_again(source, note=_noting(request, Action.SOURCE_QUEUED_AGAIN))


def remove(request: Changer, source: Source) -> None:
    gate.require_edit(request.client)
    sources.remove(source, note=_noting(request, Action.SOURCE_DELETED))


def _admit(request: Changer, source: Source) -> None:
    """Let a new source in, or raise PlanLimit, which takes it back.

    Of two at once the second waits here and counts the first.
    """
    clients = Client.objects.select_for_update(of=("self",)).select_related("billing")
    client = clients.get(pk=request.client.pk)
    there = holdings.of(client, without=source)
    limits.require_document(
        client,
        documents=there["documents"],
        used_bytes=there["knowledge_bytes"],
        new_bytes=source.bytes,
    )
    _note(request, Action.SOURCE_ADDED, source)


def _admit_version(request: Changer, source: Source) -> None:
    """Let a new version in, which takes the room of the one before, or raise PlanLimit."""
    client = Client.objects.select_for_update().get(pk=request.client.pk)
    changed = Source.objects.get(pk=source.pk)
    used = holdings.of(client, without=changed)["knowledge_bytes"]
    limits.require_bytes(client, used_bytes=used, new_bytes=changed.bytes)
    _note(request, Action.SOURCE_REPLACED, changed)


def _noting(request: Changer, action: Action) -> Callable[[Source], object]:
    return partial(_note, request, action)


def _note(request: Changer, action: Action, source: Source) -> None:
    # DRF's request has all that the audit log asks for, the key of a program included.
    by = cast(HttpRequest, request)
    audit.record(
        by, request.client, action, source.title, source=source.public_id, bytes=source.bytes
    )
