"""A document that was read only in part says so: in its row, on its page, in the list, by API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client as Browser
from django.urls import reverse

from accounts.roles import Role
from knowledge import sources, versions
from knowledge.embedding import default_model
from knowledge.engine.reading_processes import end_idle
from knowledge.ingest import ingest
from knowledge.models import Source
from tests.everything import Everything
from tests.fakes import tesseract
from tests.pdfs import Picture, pdf
from tests.services.chroma import Chroma

TEXT = "Whoever bought shoes may send them back within sixty days, in their box."
NOTE = (
    "Page 2 is a picture. Its text could not be read: text recognition (OCR) is not installed here."
)
PART = '<small class="muted">in part</small>'


@pytest.fixture
def world(db: None, chroma: Chroma) -> Everything:
    made = Everything.make("zanzibar")
    made.base.embedding_model = default_model()
    made.base.save()
    return made


@pytest.fixture
def half(world: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A document with a scanned page, read where there is no OCR."""
    tesseract.remove(tmp_path / "bare", monkeypatch)
    path = tmp_path / "rules.pdf"
    path.write_bytes(pdf(TEXT, Picture(40)))
    source = sources.add_path(world.base, path)
    read(source)
    yield source
    end_idle()


def read(source: Source) -> None:
    ingest(source.pk)
    source.refresh_from_db()


def again(source: Source) -> None:
    versions.read_again(source, note=lambda source: None)
    read(source)


def texts(source: Source) -> list[str]:
    return list(source.passages.live().order_by("position").values_list("text", flat=True))


def test_a_document_that_was_read_in_part_is_ready_and_says_so(
    half: Source, world: Everything
) -> None:
    assert (half.state, half.error, half.note) == ("ready", "", NOTE)
    assert texts(half) == [TEXT]
    browser = Browser()
    browser.force_login(world.people[Role.OWNER])
    page = browser.get(reverse("source", kwargs={"public_id": half.public_id})).content.decode()
    assert "Not all of it could be read" in page
    assert NOTE in page
    assert browser.get(reverse("knowledge")).content.decode().count(PART) == 1
    bearer = {"Authorization": f"Bearer {world.key_text}"}
    told = browser.get(f"/api/documents/{half.public_id}", headers=bearer).json()
    assert (told["status"], told["note"]) == ("ready", NOTE)


def test_the_note_goes_with_the_version_that_it_is_of(
    half: Source, world: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tesseract.install(tmp_path / "bin", monkeypatch)
    again(half)
    assert (half.state, half.note, half.live_version) == ("ready", "", 2)
    assert texts(half) == [f"{TEXT}\n\nWords that were scanned in grey 40."]


def test_a_new_version_that_cannot_be_read_leaves_the_note(half: Source) -> None:
    file, scan = half.file, default_storage.save("tests/scan", ContentFile(pdf(Picture(10))))
    versions.begin(half, versions.Version("scan", "", "pdf", scan, 1, "0" * 64))
    read(half)
    assert (half.state, half.note, half.file) == ("ready", NOTE, file)
    assert half.error.startswith("The new version could not be read.")
