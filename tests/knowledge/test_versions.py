"""New versions of documents: the old one answers until the new one is ready, then that alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from django.conf import settings

from accounts.audit import Action
from accounts.models import AuditEvent
from knowledge.models import Source
from knowledge.versions import Version, begin
from tests.house import House, Tenant
from tests.knowledge.test_documents_api import stored_files
from tests.knowledge.test_recovery import base_is_whole, has_progress
from tests.services.django import Worker
from tests.services.waiting import wait_until

OLD = "# Hours\n\nThe shop closes at six in the evening.\n"
NEW = "# Hours\n\nThe shop closes at eight in the evening.\n"
QUESTION = "When does the shop close?"


def long_text(hour: str) -> str:
    """About 150 passages: some seconds of embedding."""
    rest = "\n\n".join(
        f"Paragraph {number} tells about item {number * 7919 % 1000} in the store. " * 14
        for number in range(150)
    )
    return f"# Hours\n\nThe shop closes at {hour} in the evening.\n\n{rest}"


@pytest.fixture
def worker(house: House) -> Iterator[Worker]:
    """The house's worker, which a test may kill; it runs again afterwards."""
    yield house.worker
    house.worker.start()


def replace(shop: Tenant, document: str, name: str, content: bytes | str) -> httpx.Response:
    data = content.encode() if isinstance(content, str) else content
    return shop.http.put(
        f"/api/documents/{document}", files={"file": (name, data)}, headers=shop.bearer
    )


def sync(shop: Tenant, document: str) -> httpx.Response:
    return shop.http.post(f"/api/documents/{document}/sync", headers=shop.bearer)


def found(shop: Tenant) -> str:
    return "\n".join(one["text"] for one in shop.search(QUESTION, k=50))


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_new_version_takes_the_place_of_the_old_one(shop: Tenant) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    sent = replace(shop, document, "opening times.md", NEW)
    assert (sent.status_code, sent.json()["id"]) == (202, document)
    told = shop.finished(document)
    assert (told["status"], told["bytes"], told["error"]) == ("ready", len(NEW.encode()), "")
    assert "at eight" in found(shop)
    assert "at six" not in found(shop)
    source = shop.source(document)
    assert (source.version, source.live_version, source.previous) == (2, 2, {})
    assert [path.read_text() for path in stored_files(shop)] == [NEW]
    base_is_whole(shop.base)
    noted = AuditEvent.objects.for_client(shop.client).get(action=Action.SOURCE_REPLACED)
    assert noted.details["source"] == document


def test_a_killed_worker_leaves_the_old_version_answering_until_the_new_one_is_there(
    shop: Tenant, worker: Worker
) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    replace(shop, document, "hours.md", long_text("eight"))
    for share in (0.2, 0.5):
        wait_until(partial(has_progress, shop, document, share), 120)
        worker.kill()
        assert shop.document(document)["status"] == "embedding"
        assert "at six" in found(shop)
        assert "at eight" not in found(shop)
        worker.start()

    def either() -> bool:
        text = found(shop)
        assert ("at six" in text) != ("at eight" in text)  # never both, never neither
        return bool(shop.document(document)["status"] == "ready")

    wait_until(either, 120)
    assert "at eight" in found(shop)
    assert len(stored_files(shop)) == 1
    base_is_whole(shop.base)


def test_a_new_version_that_cannot_be_read_leaves_the_old_one(
    shop: Tenant, pdfs: dict[str, bytes]
) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    before = shop.document(document)
    replace(shop, document, "locked.pdf", pdfs["locked.pdf"])
    told = shop.finished(document)
    assert told.pop("error").startswith("The new version could not be read. ")
    assert told == {name: value for name, value in before.items() if name != "error"}
    assert "at six" in found(shop)
    assert [path.read_text() for path in stored_files(shop)] == [OLD]
    base_is_whole(shop.base)
    # All is as before: the same bytes are the same document, and another version may come.
    assert shop.upload("again.md", OLD).json()["id"] == document
    assert replace(shop, document, "hours.md", NEW).status_code == 202
    assert shop.finished(document)["error"] == ""
    assert "at eight" in found(shop)


def test_the_same_bytes_are_nothing_to_do(shop: Tenant) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    again = replace(shop, document, "renamed.md", OLD)
    assert (again.status_code, again.json()["status"]) == (200, "ready")
    assert shop.source(document).version == 1
    assert len(stored_files(shop)) == 1


def test_a_second_replacement_wins_over_one_that_is_being_read(shop: Tenant) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    replace(shop, document, "hours.md", long_text("seven"))
    wait_until(lambda: shop.document(document)["progress"] > 0.2, 60)
    replace(shop, document, "hours.md", NEW)
    wait_until(lambda: shop.document(document)["status"] == "ready", 60)
    assert "at eight" in found(shop)
    assert "at seven" not in found(shop)
    assert [path.read_text() for path in stored_files(shop)] == [NEW]
    base_is_whole(shop.base)


def test_the_old_bytes_are_no_second_document_while_they_answer(
    shop: Tenant, worker: Worker
) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    worker.kill()
    replace(shop, document, "hours.md", NEW)
    assert shop.upload("copy.md", OLD).json()["id"] == document
    worker.start()
    shop.finished(document)
    assert Source.objects.for_client(shop.client).count() == 1


def test_a_document_deleted_while_its_new_version_waits_leaves_nothing(
    shop: Tenant, worker: Worker
) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    worker.kill()
    replace(shop, document, "hours.md", NEW)
    assert len(stored_files(shop)) == 2
    shop.http.delete(f"/api/documents/{document}", headers=shop.bearer)
    assert found(shop) == ""
    worker.start()
    wait_until(lambda: not stored_files(shop), 30)


def test_a_failed_document_is_mended_by_a_new_version(shop: Tenant, pdfs: dict[str, bytes]) -> None:
    document = shop.learn("locked.pdf", pdfs["locked.pdf"])["id"]
    assert code(sync(shop, document)) == (409, "not_retryable")  # its file was not kept
    assert replace(shop, document, "hours.md", NEW).status_code == 202
    assert shop.finished(document)["status"] == "ready"
    assert "at eight" in found(shop)


def test_a_document_is_read_again_from_its_file(shop: Tenant, rival: Tenant) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    before = shop.source(document)
    assert (
        rival.http.post(f"/api/documents/{document}/sync", headers=rival.bearer).status_code == 404
    )
    assert sync(shop, document).status_code == 202
    assert shop.finished(document)["status"] == "ready"
    after = shop.source(document)
    assert (after.live_version, after.file, after.sha256) == (2, before.file, before.sha256)
    assert len(stored_files(shop)) == 1
    base_is_whole(shop.base)


def test_what_cannot_be_taken_leaves_the_document_alone(shop: Tenant, rival: Tenant) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    shop.learn("other.md", NEW)
    rejected = partial(replace, shop, document)
    assert code(rejected("empty.txt", b"")) == (400, "file_empty")
    assert code(rejected("film.mp4", b"....ftyp")) == (415, "file_type")
    assert code(rejected("../a.txt", b"text")) == (400, "file_name")
    assert code(rejected("many.zip", b"PK\x03\x04" + bytes(100))) == (415, "file_type")
    assert code(rejected("copy.md", NEW)) == (409, "same_bytes")
    assert code(replace(rival, document, "a.txt", "text")) == (404, "not_found")
    missing = shop.http.put(
        f"/api/documents/{document}", files={"x": (None, "y")}, headers=shop.bearer
    )
    assert code(missing) == (400, "file_missing")
    assert shop.document(document)["status"] == "ready"
    assert shop.source(document).version == 1
    assert len(stored_files(shop)) == 2


def test_a_page_of_a_website_is_not_replaced_by_hand(shop: Tenant) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    Source.objects.filter(public_id=document).update(kind=Source.Kind.PAGE)
    assert code(replace(shop, document, "hours.md", NEW)) == (409, "not_replaceable")


def test_the_language_of_a_text_is_known(shop: Tenant) -> None:
    german = "Der Laden schließt um sechs Uhr abends, am Montag bleibt er geschlossen. " * 3
    source = shop.source(shop.learn("zeiten.txt", german)["id"])
    assert (source.language, source.language_name) == ("de", "German")


def test_a_version_of_a_deleted_source_takes_its_file_along(shop: Tenant) -> None:
    document = shop.learn("hours.md", OLD)["id"]
    source = shop.source(document)
    shop.http.delete(f"/api/documents/{document}", headers=shop.bearer)
    left = settings.MEDIA_ROOT / shop.client.public_id / "left"
    left.parent.mkdir(exist_ok=True)
    left.write_text(NEW)
    name = f"{shop.client.public_id}/left"
    assert not begin(source, Version("Hours", "", "markdown", name, len(NEW), "0" * 64))
    assert not left.exists()
