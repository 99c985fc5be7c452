"""Every page of the product in a real browser: light and dark, wide and narrow, empty and full."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext

from accounts.models import CspReport
from accounts.roles import Role
from tests.e2e.looking import WAYS, look, shots
from tests.everything import Everything
from tests.house import House, session_of
from tests.services.browser import open_browser
from tests.test_tenancy import MEMBERS, PERSONS

PUBLIC = [
    "/",
    "/pricing/",
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/nothing/here/",
]
OF_ACCOUNTS = [
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/webauthn/",
    "/accounts/sessions/",
    "/accounts/3rdparty/",
    "/accounts/logout/",
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
    """The owner of a client that has one of everything, and the owner of an empty one."""
    full, empty = Everything.make("marigold"), house.tenant()
    sessions = {
        "full": session_of(full.people[Role.OWNER]),
        "empty": session_of(empty.member()),
    }
    addresses = [*MEMBERS, *PERSONS]
    lists = [one.url(full) for one in addresses if not one.kwargs]
    rows = [one.url(full) for one in addresses if one.kwargs]
    return Walk(
        site=house.web.url,
        paths={
            "public": PUBLIC,
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
@pytest.mark.parametrize("state", ["public", "empty", "full"])
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
    for path in walk.paths[state]:
        response = page.goto(walk.site + path)
        assert response is not None
        assert (response.status == 200) == ("nothing" not in path), path
        look(page, shots() / f"{picture(path)}-{state}-{scheme}-{width}.png")
    context.close()
    assert not [line for line in said if "404 (Not Found)" not in line]


def test_no_browser_reported_a_violation_of_the_policy(house: House) -> None:
    """Runs after the walk above, whose pages would have reported."""
    found: list[str] = []
    # Playwright's loop runs in this thread, where Django's ORM refuses to work.
    reader = threading.Thread(target=lambda: found.extend(map(str, CspReport.objects.all())))
    reader.start()
    reader.join()
    assert not found


def picture(path: str) -> str:
    return path.strip("/").replace("/", "-") or "landing"
