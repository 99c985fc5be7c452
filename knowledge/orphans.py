"""Files that nothing refers to: what a process left that was killed between a file and its row."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import Client
from chatbot_saas.lib.storage import listed
from knowledge.discard import discard
from knowledge.models import DirectUpload, Source, WebPage

logger = logging.getLogger(__name__)

# A file that is younger may belong to somebody who is about to make its row.
YOUNG = timedelta(days=1)
ASKED_AT_ONCE = 500


def sweep() -> int:
    """Delete them; how many there were. Raises StorageDown."""
    count = 0
    for folder in Client.objects.order_by("pk").values_list("public_id", flat=True).iterator():
        for name in _orphans(folder):
            discard(name)
            count += 1
    _delete_broken_off_uploads()
    if count:
        logger.warning("%s files that nothing referred to are deleted", count)
    return count


def _orphans(folder: str) -> Iterator[str]:
    before = timezone.now() - YOUNG
    names = [f"{folder}/{name}" for name in listed(folder)[1]]
    for at in range(0, len(names), ASKED_AT_ONCE):
        some = names[at : at + ASKED_AT_ONCE]
        for name in sorted(set(some) - _referred_to(some)):
            with suppress(FileNotFoundError):  # deleted since
                if default_storage.get_modified_time(name) < before:
                    yield name


def _referred_to(names: list[str]) -> set[str]:
    known = set[str]()
    for rows in (Source.objects, WebPage.objects, DirectUpload.objects):
        known.update(rows.filter(file__in=names).values_list("file", flat=True))
    answering = Source.objects.filter(previous__file__in=names)
    known.update(answering.values_list("previous__file", flat=True))
    return known


def _delete_broken_off_uploads() -> None:
    """Bytes that a web process was receiving when it was killed."""
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"):
        if time.time() - path.stat().st_mtime > YOUNG.total_seconds():
            path.unlink(missing_ok=True)
