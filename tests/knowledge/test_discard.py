"""Files that the storage would not delete at once: later, by one worker each, holding up nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.storage import InMemoryStorage
from django.db import connection
from django.utils import timezone

from chatbot_saas.lib.storage import StorageDown
from knowledge import discard
from knowledge.models import DiscardedFile

pytestmark = pytest.mark.django_db

NAMES = ["a", "b", "c"]


class Slow(InMemoryStorage):
    """While it deletes a file another worker sweeps too."""

    asked: list[str]
    depths: set[int]
    is_down = False

    def is_up(self) -> bool:
        return True

    def delete(self, name: str) -> None:
        self.asked.append(name)
        self.depths.add(len(connection.atomic_blocks))
        if self.is_down:
            raise StorageDown("no answer")
        discard.sweep()


@pytest.fixture
def storage(settings) -> type[Slow]:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"{__name__}.Slow"}}
    Slow.asked, Slow.depths, Slow.is_down = [], set(), False
    DiscardedFile.objects.bulk_create(DiscardedFile(name=name) for name in NAMES)
    return Slow


def test_each_file_is_deleted_by_one_worker_without_a_transaction(storage: type[Slow]) -> None:
    around = len(connection.atomic_blocks)  # the test's own
    discard.sweep()
    assert sorted(storage.asked) == NAMES
    assert storage.depths == {around}
    assert not DiscardedFile.objects.exists()


def test_a_file_that_cannot_be_deleted_is_tried_again_after_a_while(storage: type[Slow]) -> None:
    storage.is_down = True
    discard.sweep()
    assert storage.asked == ["a"]
    storage.is_down = False
    discard.sweep()
    assert sorted(storage.asked) == NAMES
    DiscardedFile.objects.update(tried_at=timezone.now() - timedelta(hours=1))
    discard.sweep()
    assert sorted(storage.asked) == ["a", *NAMES]
    assert not DiscardedFile.objects.exists()
