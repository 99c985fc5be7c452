"""From nothing to the first answer, as a new client does it: in a browser, by keyboard alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.house import House
from tests.services.browser import open_browser
from tests.services.waiting import wait_until

ADDRESS = "founder@bakery.example"
PASSWORD = "sourdough at four in the morning"
CODE = re.compile(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", re.MULTILINE)
# What the product promises (the landing page too), counted from the form that signs up.
PROMISED_SECONDS = 5 * 60
HOURS = b"# Opening hours\n\nThe bakery opens at six and closes at noon.\n"


@pytest.fixture(scope="module")
def new_context(house: House) -> Iterator[Callable[..., BrowserContext]]:
    with open_browser() as browser:
        yield browser.new_context


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    context = new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert not said


def test_a_baker_signs_up_by_keyboard_and_gets_the_first_answer(page: Page, house: House) -> None:
    page.goto(house.web.url)
    reach(page, "link", "Sign up")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/accounts/signup/"))
    began = time.monotonic()

    fill(page, "Email", ADDRESS)
    fill(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    fill(page, "Code", code_from_mail(house, ADDRESS))
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/app/start/"))
    fill(page, "Company", "Bäckerei Morgenrot")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("0 of 4 done")).to_be_visible()

    reach(page, "link", "Add your first source")
    page.keyboard.press("Enter")
    # What the system's own dialog for files does lies outside the page.
    page.locator("input[type=file]").first.set_input_files(
        {"name": "hours.md", "mimeType": "text/markdown", "buffer": HOURS}
    )
    expect(page.locator(".badge.ready")).to_be_visible(timeout=30_000)

    reach(page, "link", "Playground")
    page.keyboard.press("Enter")
    fill(page, "Question", "When does the bakery open?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("opens at six", timeout=20_000)
    assert time.monotonic() - began < PROMISED_SECONDS

    page.goto(f"{house.web.url}/app/")
    expect(page.get_by_text("2 of 4 done")).to_be_visible()
    assert_nothing_secret_is_kept(page)


def assert_nothing_secret_is_kept(page: Page) -> None:
    assert page.evaluate("Object.keys(localStorage)") == []
    # htmx remembers the path of the page, and nothing else.
    stored = page.evaluate("({...sessionStorage})")
    assert stored in ({}, {"htmx-current-path-for-history": "/app/"})
    cookies = page.context.cookies()
    assert {cookie["name"] for cookie in cookies} <= {"session", "csrf"}
    assert all(cookie["httpOnly"] for cookie in cookies)


def reach(page: Page, role: str, name: str) -> None:
    """Press Tab until the focus is on this element."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not reach the {role} {name}")


def fill(page: Page, label: str, text: str) -> None:
    """Type into the field of this label, reached by Tab unless it has the focus already."""
    field = page.get_by_label(label, exact=False).first
    expect(field).to_be_visible()
    for _ in range(60):
        if field.evaluate("element => element === document.activeElement"):
            page.keyboard.type(text)
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {label}")


def code_from_mail(house: House, address: str) -> str:
    """The code of the latest mail to this address, once it has arrived."""
    wait_until(lambda: bool(house.mails.to(address)), 30)
    text = house.mails.to(address)[-1].text
    found = CODE.search(text)
    assert found, text
    return found.group(1)
