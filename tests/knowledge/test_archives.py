"""A ZIP over HTTP: a document for each file in it, and a plain word about the rest."""

from __future__ import annotations

from typing import Any

from tests.engine.made_files import docx, paragraph, zipped
from tests.house import Tenant
from tests.services.waiting import wait_until


def documents(shop: Tenant) -> dict[str, dict[str, Any]]:
    listed = shop.http.get("/api/documents", headers=shop.bearer).json()["results"]
    return {one["title"]: one for one in listed}


def settled(shop: Tenant, count: int) -> bool:
    listed = documents(shop).values()
    return len(listed) == count and all(one["status"] in {"ready", "failed"} for one in listed)


def test_each_file_of_an_archive_becomes_a_document(shop: Tenant) -> None:
    data = zipped(
        {
            "help/returns.md": "# Returns\n\nSixty days.",
            "hours.docx": docx(paragraph("We open at nine.")),
            "setup.exe": "MZ",
            "../escaped.txt": "escaped",
        }
    )
    assert shop.upload("help.zip", data).status_code == 201
    wait_until(lambda: settled(shop, 3), 60)
    found = documents(shop)
    assert (found["Returns"]["status"], found["hours"]["status"]) == ("ready", "ready")
    assert found["help"]["status"] == "failed"
    assert "2 files of this ZIP cannot be read. setup.exe" in found["help"]["error"]
    assert "at nine" in shop.search("When do you open?")[0]["text"]


def test_an_archive_without_a_readable_file_fails_with_the_reason(shop: Tenant) -> None:
    document = shop.learn("tools.zip", zipped({"setup.exe": "MZ"}))
    assert document["status"] == "failed"
    assert "One file of this ZIP cannot be read. setup.exe" in document["error"]
