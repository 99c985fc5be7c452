"""Every page of the product in a real browser: light and dark, wide and narrow, empty and full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext

from accounts.models import CspReport
from accounts.roles import Role
from tests.e2e.looking import WAYS, look, shots
from tests.everything import Everything
from tests.house import House, session_of
from tests.services.browser import open_browser
from tests.test_tenancy import MEMBERS, PERSONS, ROWS, Address

PUBLIC = ["/", "/pricing/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
# Addresses that give no page to look at: files, fragments, and forms without one of their own.
NO_PAGES = {
    "settings",
    "switch_client",
    "set_retention",
    "start_export",
    "export",
    "close_client",
    "keep_client",
    "upload_sources",
    "write_source",
    "retry_source",
    "delete_source",
    "playground_ask",
}


def has_page(address: Address) -> bool:
    return address.name not in NO_PAGES and not address.is_for_programs


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
    pages = [one for one in (*MEMBERS, *PERSONS) if has_page(one)]
    lists = [one.url(full) for one in pages if not one.kwargs]
    rows = [one.url(full) for one in pages if one.kwargs and one.name in ROWS]
    return Walk(
        site=house.web.url,
        paths={"public": PUBLIC, "empty": lists, "full": [*lists, *rows]},
        sessions={
            "full": session_of(full.people[Role.OWNER]),
            "empty": session_of(empty.member()),
        },
    )


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
        if response.headers.get("content-type", "").startswith("text/html"):
            assert response.status < 400, path
            look(page, shots() / f"{picture(path)}-{state}-{scheme}-{width}.png")
    context.close()
    assert not said


def test_no_browser_reported_a_violation_of_the_policy(house: House) -> None:
    """Runs after the walk above, whose pages would have reported."""
    assert not CspReport.objects.filter(page__contains="/app/").exists()


def picture(path: str) -> str:
    return path.strip("/").replace("/", "-") or "landing"
