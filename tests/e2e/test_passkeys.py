"""Passkeys in a real browser with a virtual authenticator: add one, log in with it, remove it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.house import PASSWORD, House, session_of
from tests.services.browser import open_browser

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def site(house: House) -> str:
    """Passkeys belong to a name, never to an address of numbers."""
    return house.web.url.replace("127.0.0.1", "localhost")


@pytest.fixture
def page(house: House, site: str) -> Iterator[Page]:
    cookie = session_of(house.tenant().member())
    with open_browser() as browser:
        context = browser.new_context()
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": cookie, "url": site}])
        page = context.new_page()
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        yield page


def test_a_passkey_is_added_and_logs_in(page: Page, site: str) -> None:
    add_passkey(page, site)
    log_out(page, site)
    page.goto(f"{site}/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_removed_passkey_opens_nothing(page: Page, site: str) -> None:
    add_passkey(page, site)
    page.goto(f"{site}/accounts/2fa/webauthn/")
    page.get_by_role("row", name="My laptop").get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No security keys have been added.")).to_be_visible()
    expect(page.get_by_text("My laptop")).to_have_count(0)
    log_out(page, site)
    # The device still offers what it holds: it is our side that must have forgotten it.
    page.goto(f"{site}/accounts/login/")
    with page.expect_request(lambda sent: sent.method == "POST"):
        page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_load_state()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(f"{site}/app/")
    expect(page).to_have_url(re.compile("/accounts/login/"))


def add_passkey(page: Page, site: str) -> None:
    page.goto(f"{site}/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("My laptop")
    passwordless = page.get_by_label(re.compile("Passwordless|passwordless"))
    if passwordless.count():
        passwordless.check()
    page.get_by_role("button", name="Add").click()
    expect(page).not_to_have_url(re.compile("/webauthn/add/"))


def log_out(page: Page, site: str) -> None:
    page.goto(f"{site}/app/settings/account/")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.locator(".person summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{site}/")
