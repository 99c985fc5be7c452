"""Pages that people see seldom, and then in trouble: mistakes, second factors, odd ways in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from accounts import people
from accounts.models import Export, User
from accounts.roles import Role
from tests.e2e.looking import WAYS, look, nothing_reported, shots
from tests.everything import Everything
from tests.house import PASSWORD, House, session_of
from tests.services.browser import open_browser

PROVIDERS = {
    "GOOGLE_CLIENT_ID": "id",
    "GOOGLE_CLIENT_SECRET": "secret",
    "GITHUB_CLIENT_ID": "id",
    "GITHUB_CLIENT_SECRET": "secret",
}


@dataclass(frozen=True)
class Stop:
    """A page to look at, the status that it has, and whose session sees it."""

    path: str
    status: int = 200
    session: str = ""


@dataclass
class Cast:
    """Who meets these pages, and where: the usual site, one with providers, and a broken one."""

    site: str
    with_providers: str
    broken: str
    stops: list[Stop]
    of_providers: list[Stop]
    owner: str
    staff: str
    person: str
    secured: str


@pytest.fixture(scope="module")
def cast(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    world = Everything.make("clover")
    Export.objects.filter(pk=world.export.pk).update(expires_at=timezone.now())
    owner, viewer = (session_of(world.people[role]) for role in (Role.OWNER, Role.VIEWER))
    secured = people.with_verified_address("secured@clover.example", PASSWORD)
    TOTP.activate(secured, generate_totp_secret())
    for provider in ("github", "google"):
        data = {"login": "octopus", "name": "Owen Octopus"}
        person = world.people[Role.OWNER]
        SocialAccount.objects.create(user=person, provider=provider, uid="1", extra_data=data)
    empty = f"sqlite:///{tmp_path_factory.mktemp('broken') / 'empty.sqlite3'}"
    with (
        house.another_web(**PROVIDERS) as providers,
        house.another_web(DATABASE_URL=empty) as broken,
    ):
        yield Cast(
            site=house.web.url,
            with_providers=str(providers.base_url).rstrip("/"),
            broken=str(broken.base_url).rstrip("/"),
            stops=[
                Stop(set_password(secured)),
                Stop("/accounts/3rdparty/login/error/", 401),
                Stop("/app/settings/audit/", 403, viewer),
                Stop("/app/nothing/", 404, owner),
                Stop(reverse("export", args=[world.export.public_id]), 410, owner),
            ],
            of_providers=[
                Stop("/accounts/login/"),
                Stop("/accounts/signup/"),
                Stop("/accounts/google/login/"),
                Stop("/accounts/3rdparty/", session=owner),
                Stop("/accounts/github/login/?process=connect", session=owner),
            ],
            owner=owner,
            staff=session_of(User.objects.create_superuser("staff@clover.example")),
            person=reverse("admin:accounts_user_change", args=[world.people[Role.EDITOR].pk]),
            secured=secured.email,
        )


def set_password(user: User) -> str:
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    return f"/accounts/password/reset/key/{key}/"


@pytest.fixture(scope="module")
def new_context(cast: Cast) -> Iterator[Callable[..., BrowserContext]]:
    """Starts after all rows are made: Playwright's loop and Django's ORM do not mix in a thread."""
    with open_browser() as browser:
        yield browser.new_context


@dataclass
class Visit:
    """A browser of one kind, whose pages are looked at."""

    context: BrowserContext
    page: Page
    cast: Cast
    way: str

    def be(self, session: str, site: str) -> None:
        self.context.clear_cookies()
        if session:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": site}
            self.context.add_cookies([cookie])  # type: ignore[list-item]

    def stop(self, stop: Stop, site: str) -> None:
        self.be(stop.session, site)
        response = self.page.goto(site + stop.path)
        assert response is not None and response.status == stop.status, stop.path
        self.look(f"{stop.status}-{stop.path.split('?')[0].strip('/').replace('/', '-')[:40]}")

    def look(self, name: str) -> None:
        look(self.page, self.shot(name))

    def shot(self, name: str) -> Path:
        return shots() / f"rare-{name}-{self.way}.png"


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1]}")
def visit(
    request: pytest.FixtureRequest, cast: Cast, new_context: Callable[..., BrowserContext]
) -> Iterator[Visit]:
    scheme, width = request.param
    context = new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    with nothing_reported(context, cast.site):
        yield Visit(context, page, cast, f"{scheme}-{width}")
    context.close()
    # A browser's console notes each page that has such a status.
    assert not [line for line in said if "Failed to load resource" not in line]


def test_refusals_and_mistakes_can_be_read(visit: Visit, cast: Cast) -> None:
    for stop in cast.stops:
        visit.stop(stop, cast.site)
    visit.stop(Stop("/c/bot_x/", 500), cast.broken)


def test_too_many_tries_are_told_so(visit: Visit, cast: Cast) -> None:
    for _ in range(7):
        visit.page.goto(f"{cast.site}/accounts/password/reset/")
        visit.page.get_by_label("Email").fill(f"hasty-{visit.way}@clover.example")
        visit.page.locator("form.card button[type=submit]").click()
    expect(visit.page.get_by_role("heading", name="A little slower, please")).to_be_visible()
    visit.look("429")


def test_other_ways_in_are_shown_where_there_are_any(visit: Visit, cast: Cast) -> None:
    for stop in cast.of_providers:
        visit.stop(stop, cast.with_providers)


def test_the_second_factor_is_asked_at_the_log_in(visit: Visit, cast: Cast) -> None:
    visit.page.goto(f"{cast.site}/accounts/login/")
    visit.page.get_by_label("Email").fill(cast.secured)
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.page.locator("form.card button[type=submit]").click()
    expect(visit.page).to_have_url(f"{cast.site}/accounts/2fa/authenticate/")
    expect(visit.page.locator("form.card")).to_have_count(1)  # none without anything in it
    visit.look("second-factor")
    visit.page.get_by_label("Code").fill("000000")
    visit.page.locator("form.card button[type=submit]").first.click()
    expect(visit.page.get_by_text("Incorrect code.")).to_be_visible()
    visit.look("second-factor-wrong")


def test_a_new_key_is_shown_this_one_time(visit: Visit, cast: Cast) -> None:
    visit.be(cast.owner, cast.site)
    visit.page.goto(f"{cast.site}/app/settings/keys/")
    visit.page.get_by_role("button", name="New key").first.click()
    visit.page.get_by_label("Name").fill(f"Till {visit.way}")
    visit.page.get_by_role("button", name="Create").click()
    expect(visit.page.locator("#key-text")).to_be_visible()
    visit.look("key-once")


def test_support_sees_whose_place_it_takes(visit: Visit, cast: Cast) -> None:
    visit.be(cast.staff, cast.site)
    visit.page.goto(cast.site + cast.person)
    visit.page.get_by_role("button", name="Log in as this person").click()
    for path in ("/app/", "/app/settings/account/"):
        visit.page.goto(cast.site + path)
        expect(visit.page.get_by_text("You are working as")).to_be_visible()
        visit.look(f"as-somebody-else-{path.strip('/').replace('/', '-')}")
    visit.page.get_by_role("button", name="Back to the admin").click()
    expect(visit.page).to_have_url(f"{cast.site}/admin/")
    cast.staff = next(
        str(one["value"])
        for one in visit.context.cookies()
        if one["name"] == settings.SESSION_COOKIE_NAME
    )
