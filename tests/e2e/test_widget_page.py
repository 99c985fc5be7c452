"""The widget's page in a real browser: change it, see it, and let another website in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Page, expect

from tests.house import House, Tenant, session_of
from tests.services.browser import open_browser

FACTS = "# Opening hours\n\nThe shop opens at nine and closes at six.\n"


@pytest.fixture(scope="module")
def shop(house: House) -> Tenant:
    tenant = house.tenant(domains=("shop.example",))
    assert tenant.learn("hours.md", FACTS)["status"] == "ready"
    tenant.session(origin="https://other.example")
    return tenant


@pytest.fixture(scope="module")
def new_context(shop: Tenant) -> Iterator[Callable[..., BrowserContext]]:
    cookie = session_of(shop.member())
    with open_browser() as browser:

        def signed_in() -> BrowserContext:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            url = str(shop.http.base_url)
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": cookie, "url": url}])
            return context

        yield signed_in


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    context = new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert not said


def test_what_is_saved_is_what_the_preview_shows(page: Page, shop: Tenant) -> None:
    page.goto(f"{shop.http.base_url}/app/widget/")
    page.get_by_label("Greeting").fill("Welcome to the shop!")
    page.get_by_label("Colour").fill("#a33b00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    preview = page.frame_locator("iframe")
    expect(preview.get_by_text("Welcome to the shop!")).to_be_visible()
    preview.locator("[data-part=input]").fill("When does the shop close?")
    preview.locator("[data-part=send]").click()
    expect(preview.locator("[data-role=bot]").last).to_contain_text("closes at six", timeout=20_000)


def test_a_refused_website_is_let_in_with_one_click(page: Page, shop: Tenant) -> None:
    page.goto(f"{shop.http.base_url}/app/widget/")
    page.get_by_role("button", name="Allow https://other.example").click()
    expect(page.get_by_text("The chat may stand on other.example now.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Websites")).to_have_value(re.compile("other.example"))
    assert shop.session(origin="https://other.example").status_code == 200


def test_the_hosted_page_answers(page: Page, shop: Tenant) -> None:
    page.goto(f"{shop.http.base_url}/c/{shop.bot.public_id}/")
    page.locator("[data-part=input]").fill("When does the shop open?")
    page.locator("[data-part=send]").click()
    expect(page.locator("[data-role=bot]").last).to_contain_text("opens at nine", timeout=20_000)
    assert {cookie["name"] for cookie in page.context.cookies()} <= {"session"}
