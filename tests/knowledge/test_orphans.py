"""Files without a row: those that killed processes left go, all others stay."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from knowledge import orphans, sources
from knowledge.models import Source
from tests.everything import Everything


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("tromso")


def stored(world: Everything, name: str, *, hours: float) -> str:
    """A file of the client that was written so long ago."""
    name = default_storage.save(f"{world.client.public_id}/{name}", ContentFile(b"text"))
    age(Path(default_storage.path(name)), hours)
    return name


def age(path: Path, hours: float) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def test_an_old_file_without_a_row_is_deleted(world: Everything) -> None:
    orphan = stored(world, "src_lost", hours=25)
    assert orphans.sweep() == 1
    assert not default_storage.exists(orphan)


def test_a_file_that_somebody_is_writing_the_row_of_stays(world: Everything) -> None:
    young = stored(world, "src_new", hours=23)
    assert orphans.sweep() == 0
    assert default_storage.exists(young)


def test_files_of_sources_pages_uploads_and_versions_that_answer_stay(world: Everything) -> None:
    source = sources.add_text(world.base, "Hours", "We open at nine.")
    files = [source.file, *(stored(world, name, hours=50) for name in ("a", "b", "c"))]
    Source.objects.filter(pk=source.pk).update(previous={"file": files[1]})
    world.website.pages.update(file=files[2])
    type(world.upload).objects.filter(pk=world.upload.pk).update(file=files[3])
    for name in files:
        age(Path(default_storage.path(name)), 50)
    assert orphans.sweep() == 0
    assert all(default_storage.exists(name) for name in files)


def test_what_a_killed_web_process_was_receiving_is_deleted(world: Everything) -> None:
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR)
    old, young = folder / "old.upload.txt", folder / "young.upload.txt"
    for path in (old, young):
        path.write_bytes(b"half a file")
    age(old, 25)
    orphans.sweep()
    assert (old.exists(), young.exists()) == (False, True)
    young.unlink()
