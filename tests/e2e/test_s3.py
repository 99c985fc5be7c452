"""A whole installation with its files in a bucket: browser, web and worker as processes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests import environment
from tests.engine.made_files import zipped
from tests.services.browser import open_browser
from tests.services.chroma import Chroma
from tests.services.django import Web, Worker, manage
from tests.services.memory import forget_peak, peak_megabytes
from tests.services.s3 import S3
from tests.services.waiting import wait_until

MB = 1024 * 1024
ARTICLES = 16  # of the demo client
HOURS = b"# Opening hours\n\nThe shop opens at nine and closes at six.\n"
WATCH = """list => {
  window.said = [];
  new MutationObserver(() => {
    for (const text of list.querySelectorAll("small")) window.said.push(text.textContent);
  }).observe(list, { childList: true, subtree: true, characterData: true });
}"""


@dataclass(frozen=True)
class Branch:
    """An installation of its own, with a database of its own."""

    folder: Path
    s3: S3
    bucket: str
    web: Web
    demo: dict[str, Any]
    http: httpx.Client

    def documents(self) -> list[dict[str, Any]]:
        return list(self.http.get("/api/documents?limit=100").json()["results"])

    def document(self, title: str) -> dict[str, Any] | None:
        return next((one for one in self.documents() if one["title"] == title), None)

    def finished(self, title: str) -> dict[str, Any]:
        def is_done() -> bool:
            found = self.document(title)
            return found is not None and found["status"] in {"ready", "failed"}

        wait_until(is_done, 120, title, every=0.2)
        return dict(self.document(title) or {})

    def files(self) -> list[str]:
        return self.s3.files(self.bucket)


@pytest.fixture(scope="module")
def branch(s3: S3, chroma: Chroma, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branch]:
    folder, bucket = tmp_path_factory.mktemp("branch"), s3.bucket()
    for made in ("models", "static", "joined"):
        (folder / made).symlink_to(environment.BASE / "var" / made)
    env = {
        "VAR_DIR": str(folder),
        "SECRET_KEY": "only-for-tests",
        "CHROMA_URL": chroma.url,
        "LOG_LEVEL": "WARNING",
        "RATE_LIMITS": "api_client=100000/m",
        "STORAGE_URL": s3.storage_url(bucket, "our/files"),
    }
    manage("prepare", env=env)
    with ExitStack() as stack:
        stack.enter_context(Worker(env, directory=environment.folder("s3-worker")))
        web = stack.enter_context(Web(env))
        demo = dict(json.loads(manage("demo", "--json", env=env).stdout))
        bearer = {"Authorization": f"Bearer {demo['api_key']}"}
        http = stack.enter_context(httpx.Client(base_url=web.url, headers=bearer, timeout=60))
        yield Branch(folder, s3, bucket, web, demo, http)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser, branch: Branch) -> Iterator[Page]:
    """The knowledge page of the demo client's owner, which says nothing on the console."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.on("console", lambda message: said.append(message.text))
    page = context.new_page()
    page.goto(f"{branch.web.url}/accounts/login/")
    page.get_by_label("Email").fill(branch.demo["email"])
    page.get_by_label("Password").fill(branch.demo["password"])
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(re.compile("/app/"))
    page.goto(f"{branch.web.url}/app/knowledge/")
    yield page
    context.close()
    # The browser itself notes each refused request.
    assert not [one for one in said if not one.startswith("Failed to load resource")]


def bundle() -> bytes:
    """A ZIP of 40 MB that holds a text of a line, and noise that is not read."""
    return zipped({"hours.md": HOURS, "noise.bin": os.urandom(MB) * 40}, stored=True)


def test_all_files_lie_in_the_bucket_and_none_here(branch: Branch) -> None:
    def all_ready() -> bool:
        found = branch.documents()
        return len(found) == ARTICLES and all(one["status"] == "ready" for one in found)

    wait_until(all_ready, 180, every=0.2)
    assert len(branch.files()) == ARTICLES
    assert all(key.startswith("our/files/cli_") for key in branch.files())
    assert [path for path in (branch.folder / "media").rglob("*") if path.is_file()] == []


def test_a_dropped_file_goes_past_us_into_the_bucket(
    branch: Branch, page: Page, tmp_path: Path, shots: Path
) -> None:
    path = tmp_path / "everything.zip"
    path.write_bytes(bundle())
    sent: list[tuple[str, str]] = []
    page.on("request", lambda request: sent.append((request.method, request.url)))
    page.locator("#uploads").evaluate(WATCH)
    before = forget_peak(branch.web.pid)
    page.locator("#files").set_input_files(path)
    row = page.locator("#uploads li")
    expect(row).to_contain_text("Each file in it appears in the list", timeout=60_000)
    said = page.evaluate("window.said")
    assert [one for one in said if re.fullmatch(r"Sending: [1-9]\d? %", one)]
    assert "Sent. Being checked…" in said
    assert peak_megabytes(branch.web.pid) - before < 10
    puts = [url for method, url in sent if method == "PUT"]
    assert len(puts) == 3
    assert all(url.startswith(branch.s3.url) for url in puts)
    assert not [url for method, url in sent if url.endswith("/api/documents")]
    assert branch.finished("Opening hours")["status"] == "ready"
    assert "noise.bin" in branch.finished("everything")["error"]
    page.screenshot(path=shots / "knowledge-s3.png", full_page=True)
    assert branch.s3.begun(branch.bucket) == []
    assert len(branch.files()) == ARTICLES + 1


def test_what_is_wrong_with_a_file_stands_beside_it_there_too(branch: Branch, page: Page) -> None:
    page.locator("#files").set_input_files(
        [
            FilePayload(name="empty.txt", mimeType="", buffer=b""),
            FilePayload(name="noise.md", mimeType="", buffer=bytes(range(1, 9)) * 200),
        ]
    )
    empty, noise = (page.locator("#uploads li").nth(number) for number in range(2))
    expect(empty).to_contain_text("“empty.txt” is empty.", timeout=20_000)
    expect(noise).to_contain_text("is not the right type", timeout=20_000)
    assert len(branch.files()) == ARTICLES + 1


def test_a_program_sends_asks_and_deletes_and_nothing_is_left(branch: Branch) -> None:
    content = b"# Moon trips\n\nA trip to the moon leaves every second Friday.\n"
    body = {"bot": branch.demo["bot_id"], "name": "moon.md", "bytes": len(content)}
    begun = branch.http.post("/api/uploads", json=body).json()
    for part in begun["parts"]:
        sent = httpx.put(part["url"], content=content[part["start"] : part["end"]])
        assert sent.status_code == 200
    finished = branch.http.post(f"/api/uploads/{begun['id']}/finish")
    assert finished.status_code == 202
    document = branch.finished("Moon trips")
    assert document["status"] == "ready"
    upload = branch.http.get(f"/api/uploads/{begun['id']}").json()
    assert (upload["status"], upload["document"]) == ("taken", document["id"])
    wanted = {"bot": branch.demo["bot_id"], "query": "When do trips to the moon leave?", "k": 1}
    found = branch.http.post("/api/search", json=wanted).json()["passages"]
    assert "second Friday" in found[0]["text"]
    before = len(branch.files())
    assert branch.http.delete(f"/api/documents/{document['id']}").status_code == 204
    wait_until(lambda: len(branch.files()) == before - 1, 30)


def test_a_file_through_us_is_never_in_memory(branch: Branch) -> None:
    before = forget_peak(branch.web.pid)
    answer = branch.http.post(
        "/api/documents",
        files={"file": ("other.zip", bundle())},
        data={"bot": branch.demo["bot_id"]},
    )
    assert answer.status_code == 201
    assert peak_megabytes(branch.web.pid) - before < 30  # one part of 8 MB, on its way


def test_without_its_storage_it_says_so_and_its_pages_stay(branch: Branch, page: Page) -> None:
    """The last one here: the server forgets everything."""
    assert httpx.get(f"{branch.web.url}/readyz").json()["storage"] == "up"
    branch.s3.kill()
    try:
        assert httpx.get(f"{branch.web.url}/readyz").json()["storage"] == "down"
        body = {"bot": branch.demo["bot_id"], "name": "a.md", "bytes": 7}
        for answer in (
            branch.http.post("/api/uploads", json=body),
            branch.http.post(
                "/api/documents",
                files={"file": ("new.md", b"# New\n\nWe are new.")},
                data={"bot": branch.demo["bot_id"]},
            ),
        ):
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "storage_down"
            assert answer.headers["Retry-After"] == "30"
        page.reload()
        expect(page.get_by_role("heading", name="Add files")).to_be_visible()
    finally:
        branch.s3.start()
