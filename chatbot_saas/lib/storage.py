"""What is said of stored files wherever they lie, so that nobody must know what lies beneath."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.core.files.storage import default_storage

from chatbot_saas.lib.errors import CallerError


class StorageDown(CallerError):
    """The storage does not answer, or does not let us in: try again later."""

    status = 503
    title = "Files cannot be reached at the moment"

    def __init__(self, why: str) -> None:
        super().__init__(
            "storage_down",
            "Files cannot be stored or read at the moment. Please try again in a few minutes.",
            retry_after=30,
        )
        self.why = why  # for the log, and not for strangers

    def __str__(self) -> str:
        return self.why


def listed(folder: str) -> tuple[list[str], list[str]]:
    """The folders and the files in a folder, by name; none of one that is not there."""
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part of a file that has arrived at the storage."""

    number: int
    bytes: int
    etag: str


class PartedUploads(Protocol):
    """A storage to which others may send the parts of a file themselves (chatbot_saas.lib.s3)."""

    @property
    def origin(self) -> str: ...
    def begin(self, name: str) -> str: ...
    def sign(self, name: str, upload: str, number: int, *, bytes: int, seconds: int) -> str: ...
    def sent(self, name: str, upload: str) -> list[SentPart]: ...
    def complete(self, name: str, upload: str, parts: Sequence[SentPart]) -> None: ...
    def abort(self, name: str, upload: str) -> None: ...
    def abort_all(self, prefix: str) -> None: ...


def parted_uploads() -> PartedUploads | None:
    """None where files go through us: they lie on a disk of ours."""
    parts: PartedUploads | None = getattr(default_storage, "parts", None)
    return parts


def is_up() -> bool:
    """Whether the storage can be used now."""
    asked = getattr(default_storage, "is_up", None)
    return bool(asked()) if asked else os.access(settings.MEDIA_ROOT, os.R_OK | os.W_OK)
