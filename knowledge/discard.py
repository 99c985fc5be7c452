"""Delete files that nothing refers to any more, also when the storage is down at that moment."""

from __future__ import annotations

import logging

from django.core.files.storage import default_storage
from django.db import transaction

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
    """Delete what could not be deleted before."""
    if not DiscardedFile.objects.exists() or not is_up():
        return
    oldest = DiscardedFile.objects.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE]
    for pk in list(oldest):
        try:
            _delete(pk)
        except StorageDown:
            return


@transaction.atomic
def _delete(pk: int) -> None:
    file = DiscardedFile.objects.select_for_update().filter(pk=pk).first()
    if file is not None:
        default_storage.delete(file.name)
        file.delete()
