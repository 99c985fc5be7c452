"""POST and GET /api/documents over HTTP, with a real worker behind them."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from knowledge.engine.formats import REFUSED
from knowledge.models import Passage, PostingList, Source
from tests.house import House, Tenant
from tests.services.waiting import wait_until

RETURNS = """# Returns

You may return unworn goods within 60 days of delivery.

## Costs

Returns from Germany are free. From all other countries they cost £4.95.
"""


def test_a_document_becomes_ready_and_is_found(shop: Tenant) -> None:
    sent = shop.upload("returns.md", RETURNS)
    assert sent.status_code == 201
    assert (sent.json()["status"], sent.json()["passages"]) == ("queued", 0)

    document = shop.finished(sent.json()["id"])
    assert document["status"] == "ready", document["error"]
    assert document["progress"] == 1.0
    assert document["passages"] == 1
    assert document["title"] == "Returns"
    assert document["bytes"] == len(RETURNS.encode())
    assert document["bot"] == shop.bot.public_id
    assert document["ready_at"]
    assert list(sent.json()) == list(document)

    best = shop.search("How many days do I have to send something back?")[0]
    assert "within 60 days" in best["text"]
    assert best["source_id"] == document["id"]
    assert set(best) == {"id", "source_id", "title", "text", "score", "start", "end"}


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.txt", "Our shop opens at nine every morning.", "opens at nine"),
        ("b.html", "<nav>Home</nav><h1>Hours</h1><p>We open at nine.</p>", "We open at nine."),
        ("c.htm", "<h1>Grüße</h1><p>Wir öffnen um neun.</p>".encode("latin-1"), "öffnen um neun"),
        ("d.md", "# Hours\n\n| Day | Opens |\n|---|---|\n| Monday | nine |", "Monday"),
    ],
)
def test_each_format_is_read(shop: Tenant, name: str, content: bytes | str, found: str) -> None:
    document = shop.learn(name, content)
    assert document["status"] == "ready", document["error"]
    text = "\n".join(shop.source(document["id"]).passages.values_list("text", flat=True))
    assert found in text
    assert "<" not in text


def test_a_pdf_keeps_its_page_numbers(shop: Tenant, two_pages: bytes) -> None:
    document = shop.learn("guide.pdf", two_pages)
    assert document["status"] == "ready", document["error"]
    answer = shop.visitor().ask("When does the warranty end?").json()
    assert [cited["page"] for cited in answer["citations"]] == [2]
    assert shop.search("When does the warranty end?")[0]["page"] == 1  # where the passage begins


def test_the_same_bytes_twice_are_one_document(shop: Tenant) -> None:
    first = shop.learn("returns.md", RETURNS)
    again = shop.upload("copy.md", RETURNS)
    assert again.json() == first
    assert Source.objects.for_client(shop.client).count() == 1


def test_another_client_may_have_the_same_bytes(shop: Tenant, rival: Tenant) -> None:
    assert shop.learn("returns.md", RETURNS)["id"] != rival.learn("returns.md", RETURNS)["id"]


def test_a_deleted_document_leaves_nothing_behind(shop: Tenant) -> None:
    document = shop.learn("returns.md", RETURNS)
    source = shop.source(document["id"])
    deleted = shop.http.delete(f"/api/documents/{document['id']}", headers=shop.bearer)
    assert deleted.status_code == 204
    assert shop.search("return") == []
    wait_until(lambda: not Source.objects.filter(pk=source.pk).exists(), 30)
    assert not Passage.objects.filter(source_id=source.pk).exists()
    assert not PostingList.objects.filter(knowledge_base=shop.base).exists()
    assert stored_files(shop) == []
    shop.base.refresh_from_db()
    assert (shop.base.live_passages, shop.base.live_terms) == (0, 0)


def test_strangers_get_404(shop: Tenant, rival: Tenant) -> None:
    document = shop.learn("returns.md", RETURNS)
    address = f"/api/documents/{document['id']}"
    assert rival.http.get(address, headers=rival.bearer).status_code == 404
    assert rival.http.delete(address, headers=rival.bearer).status_code == 404
    listed = rival.http.get("/api/documents", headers=rival.bearer).json()["results"]
    assert listed == []
    into_shop = rival.upload("a.txt", "text", bot=shop.bot.public_id)
    assert (into_shop.status_code, code(into_shop)) == (404, "unknown_bot")
    search = rival.http.post(
        "/api/search",
        json={"bot": shop.bot.public_id, "query": "return"},
        headers=rival.bearer,
    )
    assert search.status_code == 404


def test_nobody_gets_in_without_a_key(shop: Tenant) -> None:
    for headers in ({}, {"Authorization": "Bearer sk_live_wrong"}, {"Authorization": "Basic x"}):
        for response in (
            shop.http.get("/api/documents", headers=headers),
            shop.http.post("/api/search", json={}, headers=headers),
        ):
            assert response.status_code == 401
            assert response.json()["error"]["message"]


def test_the_list_is_cut_into_pages(shop: Tenant) -> None:
    for number in range(3):
        shop.upload(f"{number}.txt", f"Fact number {number}.")
    first = shop.http.get("/api/documents?limit=2", headers=shop.bearer).json()
    assert [one["title"] for one in first["results"]] == ["2", "1"]
    second = shop.http.get(first["next"], headers=shop.bearer).json()
    assert [one["title"] for one in second["results"]] == ["0"]


# --- Bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "status", "expected"),
    [
        ("empty.txt", b"", 400, "file_empty"),
        ("picture.pdf", b"\x89PNG\r\n\x1a\n" + bytes(2000), 415, "file_type"),
        ("program.txt", b"MZ\x90\x00\x03" + b"\x90" * 4000, 415, "file_type"),
        ("noise.md", bytes(range(1, 9)) * 200, 415, "file_type"),
        ("film.mp4", b"....ftyp", 415, "file_type"),
        ("no-suffix", b"text", 415, "file_type"),
        ("../../etc/passwd.txt", b"text", 400, "file_name"),
        ("..\\..\\boot.txt", b"text", 400, "file_name"),
        ("n" * 300 + ".txt", b"text", 400, "file_name"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_at_once(
    shop: Tenant, name: str, content: bytes, status: int, expected: str
) -> None:
    response = shop.upload(name, content)
    assert (response.status_code, code(response)) == (status, expected)
    assert response.json()["error"]["message"]
    nothing_left(shop)


# What each kind of file that nothing here reads is called, and what to send instead.
FOREIGN = {
    ".doc": ("old Word file", ".docx"),
    ".dot": ("old Word file", ".docx"),
    ".ppt": ("old PowerPoint file", ".pptx"),
    ".pps": ("old PowerPoint file", ".pptx"),
    ".pages": ("Apple’s Pages", "PDF"),
    ".numbers": ("Apple’s Numbers", ".xlsx"),
    ".key": ("Apple’s Keynote", "PDF"),
    ".rar": ("RAR", "ZIP"),
    ".7z": ("7z", "ZIP"),
    ".gz": ("gzip", "Unpack it"),
    ".heic": ("HEIC", "JPEG"),
}


@pytest.mark.parametrize("suffix", sorted(FOREIGN.keys() | REFUSED.keys()))
def test_a_format_that_nothing_reads_is_refused_with_what_to_send_instead(
    shop: Tenant, suffix: str
) -> None:
    response = shop.upload(f"Price list{suffix.upper()}", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 300)
    assert (response.status_code, code(response)) == (415, "file_type")
    message = response.json()["error"]["message"]
    called, instead = FOREIGN[suffix]
    assert called in message
    assert instead in message
    nothing_left(shop)


def test_a_form_without_a_file_says_so(shop: Tenant) -> None:
    response = shop.http.post(
        "/api/documents", files={"bot": (None, shop.bot.public_id)}, headers=shop.bearer
    )
    assert (response.status_code, code(response)) == (400, "file_missing")


def test_json_instead_of_a_form_is_415(shop: Tenant) -> None:
    response = shop.http.post("/api/documents", json={"a": 1}, headers=shop.bearer)
    assert response.status_code == 415


def test_an_unknown_bot_is_404_and_keeps_no_file(shop: Tenant) -> None:
    response = shop.upload("a.txt", "text", bot="bot_unknown")
    assert (response.status_code, code(response)) == (404, "unknown_bot")
    nothing_left(shop)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("locked.pdf", "password"), ("scan.pdf", "no text"), ("damaged.pdf", "damaged")],
)
def test_an_unreadable_pdf_fails_with_a_reason_and_keeps_no_file(
    shop: Tenant, name: str, reason: str, pdfs: dict[str, bytes]
) -> None:
    document = shop.learn(name, pdfs[name])
    assert document["status"] == "failed"
    assert reason in document["error"].lower()
    assert stored_files(shop) == []
    assert not Passage.objects.filter(source__public_id=document["id"]).exists()


def test_a_failed_file_can_be_sent_again(shop: Tenant, pdfs: dict[str, bytes]) -> None:
    first = shop.learn("locked.pdf", pdfs["locked.pdf"])
    second = shop.learn("locked.pdf", pdfs["locked.pdf"])
    assert second["id"] != first["id"]


def test_broken_utf8_is_read_in_its_real_encoding(shop: Tenant) -> None:
    words = "Grüße aus Köln: Rückgabe in 30 Tagen. " * 20
    document = shop.learn("latin.txt", words.encode("latin-1"))
    assert document["status"] == "ready"
    assert "Rückgabe" in shop.search("Rückgabe")[0]["text"]


def test_600_megabytes_are_refused_before_they_are_read(shop: Tenant) -> None:
    response = announce(shop, 600 * 1024 * 1024, key=shop.key)
    assert response.startswith(b"HTTP/1.1 413")
    assert b'"too_large"' in response
    nothing_left(shop)


def test_a_stranger_is_sent_away_before_the_upload_is_read(shop: Tenant) -> None:
    response = announce(shop, 100 * 1024 * 1024, key="sk_live_unknown")
    assert response.startswith(b"HTTP/1.1 401")
    nothing_left(shop)


def test_a_stranger_who_hides_the_size_is_sent_away_too(shop: Tenant) -> None:
    response = announce(shop, None, key="sk_live_unknown")
    assert response.startswith(b"HTTP/1.1 401")
    nothing_left(shop)


def test_a_stranger_with_a_small_file_is_sent_away_by_the_view(shop: Tenant) -> None:
    form, file = {"bot": shop.bot.public_id}, {"file": ("a.txt", b"text")}
    for headers in ({}, {"Authorization": "Bearer sk_live_unknown"}):
        response = shop.http.post("/api/documents", data=form, files=file, headers=headers)
        assert response.status_code == 401
        assert code(response) in {"not_authenticated", "invalid_key"}
    nothing_left(shop)


def test_a_body_that_hides_its_size_is_cut_off(shop: Tenant) -> None:
    """Chunked, so no Content-Length tells: the limit of a small JSON call is one megabyte."""
    body = (b"x" * 65_536 for _ in range(64))
    response = shop.http.post(
        "/api/search", content=body, headers=shop.bearer | {"Content-Type": "application/json"}
    )
    assert (response.status_code, code(response)) == (413, "too_large")


def announce(shop: Tenant, size: int | None, *, key: str) -> bytes:
    """The answer to the head of an upload of this size, of which no byte is sent."""
    length = "Transfer-Encoding: chunked" if size is None else f"Content-Length: {size}"
    address = httpx.URL(str(shop.http.base_url))
    with socket.create_connection((address.host, address.port or 80), timeout=10) as connection:
        connection.sendall(
            b"POST /api/documents HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n"
            b"Authorization: Bearer " + key.encode() + b"\r\n" + length.encode() + b"\r\n\r\n"
        )
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


def code(response: httpx.Response) -> str:
    return str(response.json()["error"]["code"])


def stored_files(shop: Tenant) -> list[Path]:
    folder = settings.MEDIA_ROOT / shop.client.public_id
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def nothing_left(shop: Tenant) -> None:
    assert not Source.objects.for_client(shop.client).exists()
    assert stored_files(shop) == []
    # The request's temporary file goes when its response has been sent.
    wait_until(lambda: not uploads_under_way(), 15)


def uploads_under_way() -> list[Path]:
    """Exports are made in the same folder, and tests of theirs end in the middle of one."""
    return list(settings.FILE_UPLOAD_TEMP_DIR.glob("*.upload*"))


def test_the_house_is_up(house: House) -> None:
    states = house.http.get("/readyz").json()
    del states["index"]  # other tests damage it: see test_healing
    services = ["database", "cache", "storage", "chroma"]
    assert states == {"ready": True} | dict.fromkeys(services, "up")
