"""What is said of stored files wherever they lie, so that nobody must know what lies beneath."""

from __future__ import annotations

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
