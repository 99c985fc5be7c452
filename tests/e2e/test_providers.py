"""Log-in with Google and GitHub in a real browser, up to the moment it leaves for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.house import House
from tests.services.browser import open_browser

KEYS = {
    "GOOGLE_CLIENT_ID": "google-id",
    "GOOGLE_CLIENT_SECRET": "google-secret",
    "GITHUB_CLIENT_ID": "github-id",
    "GITHUB_CLIENT_SECRET": "github-secret",
}
PLACES = {"google": "https://accounts.google.com/", "github": "https://github.com/"}
providers = pytest.mark.parametrize("provider", list(PLACES))


@dataclass
class Provider:
    """Answers in the provider's place: no test leaves this machine.

    Playwright's own routes do not see where a redirect leads; Chromium's Fetch domain does.
    """

    asked: list[str] = field(default_factory=list)

    def stand_in(self, page: Page, place: str) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.on("Fetch.requestPaused", self._answer)
        self._devtools.send("Fetch.enable", {"patterns": [{"urlPattern": f"{place}*"}]})

    def _answer(self, paused: dict[str, Any]) -> None:
        self.asked.append(paused["request"]["url"])
        answer = {"requestId": paused["requestId"], "responseCode": 200, "body": ""}
        self._devtools.send("Fetch.fulfillRequest", answer)


@pytest.fixture(scope="module")
def site(house: House) -> Iterator[httpx.Client]:
    with house.another_web(**KEYS) as http:
        yield http


@pytest.fixture(scope="module")
def browser(house: House) -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@providers
def test_the_button_leads_to_the_provider(
    site: httpx.Client, browser: Browser, provider: str
) -> None:
    place, complaints, there = PLACES[provider], [], Provider()
    page = browser.new_context().new_page()
    page.on("console", lambda said: complaints.append(said.text))
    there.stand_in(page, place)
    page.goto(f"{site.base_url}/accounts/login/")
    page.get_by_role("link", name=f"Go on with {provider}").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_timeout(1000)
    assert not [text for text in complaints if "Content Security Policy" in text]
    assert page.url.startswith(place)
    assert f"client_id={provider}-id" in there.asked[0]


@providers
def test_only_the_providers_own_page_lets_a_form_leave(site: httpx.Client, provider: str) -> None:
    place = PLACES[provider].rstrip("/")
    policy = site.get(f"/accounts/{provider}/login/").headers["Content-Security-Policy"]
    assert f"form-action 'self' {place};" in f"{policy};"
    for path in ("/", "/accounts/login/", "/accounts/signup/"):
        assert place not in site.get(path).headers["Content-Security-Policy"]
