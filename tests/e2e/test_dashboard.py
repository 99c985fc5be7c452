"""Every page of the product in a real browser: light and dark, wide and narrow, empty and full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from playwright.sync_api import BrowserContext, Page, expect

from accounts import people
from accounts.roles import Role
from tests.e2e.looking import WAYS, look, nothing_reported, shots
from tests.everything import TOKEN, Everything
from tests.house import PASSWORD, House, session_of
from tests.services.browser import open_browser
from tests.test_tenancy import MEMBERS, PERSONS

PUBLIC = [
    "/",
    "/pricing/",
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-used-already/",
    "/accounts/password/reset/key/done/",
    "/accounts/inactive/",
    "/accounts/3rdparty/login/cancelled/",
    "/nothing/here/",
]
OF_ACCOUNTS = [
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/3rdparty/",
    "/accounts/logout/",
    "/app/start/?another=1",
]
OF_SECOND_FACTOR = [
    "/accounts/2fa/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/reauthenticate/",
]


@dataclass
class Walk:
    """Where to go, and as whom: the addresses and the session of each state."""

    site: str
    paths: dict[str, list[str]]
    sessions: dict[str, str]

    def enter(self, context: BrowserContext, state: str) -> None:
        if state in self.sessions:
            name, value = settings.SESSION_COOKIE_NAME, self.sessions[state]
            context.add_cookies([{"name": name, "value": value, "url": self.site}])


@pytest.fixture(scope="module")
def walk(house: House) -> Walk:
    """All who see pages: visitors, owners of a full and an empty client, newcomers."""
    full, empty = Everything.make("marigold"), house.tenant()
    secured = empty.member(Role.ADMIN)
    TOTP.activate(secured, generate_totp_secret())
    RecoveryCodes.activate(secured)
    newcomer = people.with_verified_address(full.invitation.email)
    sessions = {
        "full": session_of(full.people[Role.OWNER]),
        "empty": session_of(empty.member()),
        "newcomer": session_of(newcomer),
        "secured": session_of(secured),
    }
    invitation = f"/accounts/invitation/marigold-invitation-{TOKEN}/"
    hosted = f"/c/{full.bot.public_id}/"
    addresses = [*MEMBERS, *PERSONS]
    lists = [one.url(full) for one in addresses if not one.kwargs]
    rows = [one.url(full) for one in addresses if one.kwargs]
    return Walk(
        site=house.web.url,
        paths={
            "public": [*PUBLIC, invitation, hosted],
            "newcomer": ["/app/start/", invitation],
            "secured": OF_SECOND_FACTOR,
            "empty": pages_of(house, sessions["empty"], lists),
            "full": pages_of(house, sessions["full"], [*lists, *rows, *OF_ACCOUNTS]),
        },
        sessions=sessions,
    )


def pages_of(house: House, session: str, paths: list[str]) -> list[str]:
    """Those that are whole pages: no files, fragments, redirects or mere targets of forms."""
    cookies = {settings.SESSION_COOKIE_NAME: session}
    with httpx.Client(base_url=house.web.url, cookies=cookies, timeout=30) as http:
        found = {path: http.get(path) for path in paths}
    assert all(answer.status_code < 500 for answer in found.values())
    return [path for path, answer in found.items() if "<html" in answer.text[:200].lower()]


@pytest.fixture(scope="module")
def new_context(walk: Walk) -> Iterator[Callable[..., BrowserContext]]:
    """Starts after all rows are made: Playwright's loop and Django's ORM do not mix in a thread."""
    with open_browser() as browser:
        yield browser.new_context


@pytest.mark.parametrize(("scheme", "width"), WAYS)
@pytest.mark.parametrize("state", ["public", "newcomer", "empty", "full", "secured"])
def test_no_page_has_anything_for_axe_to_say(
    new_context: Callable[..., BrowserContext], walk: Walk, state: str, scheme: str, width: int
) -> None:
    context = new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    walk.enter(context, state)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    with nothing_reported(context, walk.site):
        if state == "secured":
            confirm_password(page, walk.site)
        for path in walk.paths[state]:
            response = page.goto(walk.site + path)
            assert response is not None
            assert (response.status == 200) == ("nothing" not in path), path
            look(page, shots() / f"{picture(path)}-{state}-{scheme}-{width}.png")
        if state == "public":
            look_at_codes(page, walk.site, f"{scheme}-{width}")
    context.close()
    assert not [line for line in said if "404 (Not Found)" not in line]


def confirm_password(page: Page, site: str) -> None:
    """What guards an account is only shown to whoever gave the password a moment ago."""
    page.goto(f"{site}/accounts/reauthenticate/?next=/accounts/2fa/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Two-Factor Authentication")).to_be_visible()


def look_at_codes(page: Page, site: str, way: str) -> None:
    """The two pages that wait for a mailed code."""
    page.goto(f"{site}/accounts/login/code/")
    page.get_by_label("Email").fill(f"walker-{way}@where.example")
    page.locator("form.card button[type=submit]").click()
    expect(page.get_by_role("heading", name="Enter the code")).to_be_visible()
    look(page, shots() / f"login-code-{way}.png")
    page.context.clear_cookies()
    page.goto(f"{site}/accounts/signup/")
    page.get_by_label("Email").fill(f"walker-{way}@where.example")
    page.get_by_label("Password").fill("a password of a walker")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Confirm your address")).to_be_visible()
    look(page, shots() / f"signup-code-{way}.png")


def picture(path: str) -> str:
    return path.strip("/").replace("/", "-") or "landing"
