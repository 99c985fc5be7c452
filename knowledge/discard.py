"""Delete files that nothing refers to any more, also when the storage is down at that moment."""

from __future__ import annotations

import logging

from django.core.files.storage import default_storage
from django.utils import timezone

from chatbot_saas.lib.lease import stale_since
from chatbot_saas.lib.storage import StorageDown, is_up
from knowledge.models import DiscardedFile

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 500


def discard(name: str) -> None:
    """Delete a stored file, now or as soon as the storage answers."""
    try:
        default_storage.delete(name)
    except StorageDown as error:
        logger.warning("a file is deleted later: %s", error)
        DiscardedFile.objects.get_or_create(name=name)


def sweep() -> None:
    """Delete what could not be deleted before. Of several workers each takes files of its own."""
    if not DiscardedFile.objects.exists() or not is_up():
        return
    for _ in range(MOST_AT_ONCE):
        file = _taken()
        if file is None:
            return
        try:
            # No transaction is open: a slow storage must not keep others from the database.
            default_storage.delete(file.name)
        except StorageDown as error:
            logger.warning("files are deleted later: %s", error)
            return
        file.delete()


def _taken() -> DiscardedFile | None:
    """The file that has waited longest, which nobody else tries to delete now.

    Of a worker that is killed, or waits for its storage for ever, another one takes it over after
    a while: deleting twice does no harm, since no name is used again.
    """
    waiting = DiscardedFile.objects.takeable(stale_since())
    while (file := waiting.order_by("pk").first()) is not None:
        if waiting.filter(pk=file.pk).update(tried_at=timezone.now()):
            return file
    return None
