"""The dashboard's pages of websites: what was found is shown before it is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from django.conf import settings
from django.test import Client as Browser
from django.urls import reverse

from accounts.models import AuditEvent, Client
from accounts.roles import Role
from knowledge.models import Source, WebPage, Website
from tests.everything import Everything
from tests.fakes.site import Site
from tests.house import House, Tenant
from tests.knowledge.test_recovery import base_is_whole
from tests.queries import queries
from tests.services.waiting import wait_until

LIST = "/app/knowledge/"
ADD = "/app/knowledge/websites/add/"


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("zanzibar")


@pytest.fixture
def owner(world: Everything) -> Browser:
    return signed_in(world, Role.OWNER)


def signed_in(world: Everything, role: Role) -> Browser:
    browser = Browser()
    browser.force_login(world.people[role])
    return browser


def of(website: Website, name: str = "website") -> str:
    return reverse(name, kwargs={"public_id": website.public_id})


def form(url: str = "https://shop.example", **more: str) -> dict[str, str]:
    fields = {"url": url, "mode": "crawl", "schedule": "weekly"} | more
    return {f"website-{name}": value for name, value in fields.items()}


# --- Pages and forms ------------------------------------------------------------------------


def test_the_list_shows_websites_and_the_form(world: Everything, owner: Browser) -> None:
    page = owner.get(LIST).content.decode()
    assert world.website.url in page
    assert "Add a website" in page
    for_viewers = signed_in(world, Role.VIEWER).get(LIST).content.decode()
    assert world.website.url in for_viewers
    assert "Add a website" not in for_viewers


def test_a_website_is_added_and_waits_to_be_looked_at(world: Everything, owner: Browser) -> None:
    sent = form("shop.example", include="/help/\nfaq", exclude="/blog/", limit="7", depth="2")
    response = owner.post(ADD, sent)
    website = Website.objects.get(url="https://shop.example/")
    assert response["Location"] == of(website)
    assert (website.state, website.limit, website.asks_first) == ("finding", 7, True)
    assert website.depth == 2
    assert (website.include, website.exclude) == (["/help/", "/faq"], ["/blog/"])
    page = owner.get(of(website)).content.decode()
    assert "Looking for pages" in page
    assert "Pages up to 2 links away from the address" in page
    assert AuditEvent.objects.filter(client=world.client, action="website.added").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"url": ""}, "This field is required"),
        ({"url": "http://127.0.0.1/"}, "does not lead to a public website"),
        ({"url": "http://localhost:8000/"}, "not one of a public website"),
        ({"url": "ftp://shop.example/"}, "begin with http:// or https://"),
        ({"url": "https://me:word@shop.example/"}, "user name or password"),
        ({"mode": "everything"}, "Select a valid choice"),
        ({"limit": "0"}, "greater than or equal to 1"),
        ({"depth": "11"}, "less than or equal to 10"),
        ({"depth": "-1"}, "greater than or equal to 0"),
        ({"include": "/a\n" * 51}, "50 lines at most"),
        ({"exclude": "/" + "a" * 201}, "200 letters at most"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    owner: Browser, world: Everything, more: dict[str, str], said: str
) -> None:
    response = owner.post(ADD, form(**more))
    assert response.status_code == 422
    assert said in response.content.decode().replace("&#x27;", "'")
    assert Website.objects.for_client(world.client).count() == 1


def test_a_page_says_why_a_page_was_not_read(world: Everything, owner: Browser) -> None:
    page = owner.get(of(world.website)).content.decode()
    assert "does not accept connections" in page
    assert "Look for changes now" in page
    part = owner.get(of(world.website), headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="website"')


def test_many_pages_cost_no_more_queries(world: Everything, owner: Browser) -> None:
    queries(owner, of(world.website))  # notes the session
    few = queries(owner, of(world.website))
    for number in range(30):
        WebPage.objects.create(
            website=world.website, url=f"https://zanzibar.example/{number}", key=str(number)
        )
    assert queries(owner, of(world.website)) == few <= 12


@pytest.mark.parametrize("name", ["take_website", "stop_website", "sync_website", "delete_website"])
def test_steps_want_a_post_and_an_active_client(
    world: Everything, owner: Browser, name: str
) -> None:
    assert owner.get(of(world.website, name)).status_code == 405
    Client.objects.filter(pk=world.client.pk).update(is_active=False)
    assert owner.post(of(world.website, name)).status_code == 402
    world.website.refresh_from_db()
    assert world.website.state == "ready"


@pytest.mark.parametrize("name", ["take_website", "stop_website"])
def test_a_step_that_comes_too_late_is_a_conflict(
    world: Everything, owner: Browser, name: str
) -> None:
    assert owner.post(of(world.website, name)).status_code == 409


def test_a_website_is_looked_at_once_at_a_time(world: Everything, owner: Browser) -> None:
    assert owner.post(of(world.website, "sync_website")).status_code == 302
    assert owner.post(of(world.website, "sync_website")).status_code == 409
    world.website.refresh_from_db()
    assert (world.website.state, world.website.run) == ("checking", 2)


def test_a_deleted_website_is_gone_from_the_pages_at_once(
    world: Everything, owner: Browser
) -> None:
    owner.post(of(world.website, "delete_website"))
    assert owner.get(of(world.website)).status_code == 404
    world.source.refresh_from_db()
    assert world.source.live_version == 0
    world.base.refresh_from_db()
    assert world.base.live_passages == 0


# --- Found, then taken ----------------------------------------------------------------------


@pytest.fixture
def site(house: House) -> Site:
    site = house.website()
    site.article("/", "Start", "Welcome to the shop of Ada.", "/hours", "/jobs")
    site.article("/hours", "Hours", "We open at nine every morning.")
    site.article("/jobs", "Jobs", "We look for a baker.")
    site.sitemap("/sitemap.xml", *(f"{site.url}{name}" for name in ("", "hours", "jobs")))
    return site


def is_in(website: Website, state: str) -> bool:
    website.refresh_from_db()
    return website.state == state


class Desk:
    """An owner of the shop at the dashboard."""

    def __init__(self, browser: httpx.Client) -> None:
        self.browser = browser
        page = browser.get(LIST).text
        self.token = re.findall(r'name="csrfmiddlewaretoken"\s+value="(\w+)"', page)[0]

    def post(self, path: str, **data: object) -> None:
        fields = {"csrfmiddlewaretoken": self.token, **data}
        response = self.browser.post(path, data=fields)
        assert response.status_code == 302, response.text

    def add(self, site: Site, mode: str = "crawl") -> Website:
        self.post(ADD, **form(site.url, mode=mode))
        return Website.objects.latest("pk")


@pytest.fixture
def desk(shop: Tenant) -> Iterator[Desk]:
    with shop.dashboard() as browser:
        yield Desk(browser)


def titles(shop: Tenant) -> set[str]:
    return set(Source.objects.for_client(shop.client).values_list("title", flat=True))


@pytest.mark.parametrize("mode", ["crawl", "sitemap"])
def test_what_was_found_is_taken_when_somebody_says_so(
    shop: Tenant, desk: Desk, site: Site, mode: str
) -> None:
    website = desk.add(site, mode)
    wait_until(partial(is_in, website, "found"), 30)
    assert titles(shop) == set()
    asked = site.paths.count("/hours")
    assert asked == (1 if mode == "crawl" else 0)  # a sitemap is enough to ask
    jobs = website.pages.get(url=f"{site.url}jobs")
    page = desk.browser.get(of(website)).text
    assert "3 pages found" in page
    assert f'value="{jobs.pk}"' in page

    desk.post(of(website, "take_website"), but=jobs.pk)
    shop.crawled(website.public_id)
    assert titles(shop) == {"Start", "Hours"}
    assert site.paths.count("/hours") == 1
    base_is_whole(shop.base)
    folder = settings.MEDIA_ROOT / shop.client.public_id
    assert len([one for one in folder.iterdir() if one.is_file()]) == 2

    shop.sync(website.public_id)  # what was left out stays out
    assert titles(shop) == {"Start", "Hours"}


def test_a_search_can_be_stopped_and_what_it_found_taken(
    shop: Tenant, desk: Desk, site: Site
) -> None:
    links = [f"/slow/{number}" for number in range(40)]
    site.article("/", "Start", "Welcome.", *links)
    for link in links:
        site.page(link, f"<title>{link}</title><p>Fact {link}.</p>", seconds=0.1)
    website = desk.add(site)
    found = website.pages.filter(state="found")
    wait_until(lambda: found.count() > 2, 30)
    desk.post(of(website, "stop_website"))
    assert is_in(website, "found")
    count = found.count()
    desk.post(of(website, "take_website"))
    assert shop.crawled(website.public_id)["pages"]["taken"] == count < 40


def test_what_is_not_wanted_is_deleted_with_its_files(shop: Tenant, desk: Desk, site: Site) -> None:
    website = desk.add(site)
    wait_until(partial(is_in, website, "found"), 30)
    desk.post(of(website, "delete_website"))
    wait_until(lambda: not Website.objects.filter(pk=website.pk).exists(), 30)
    folder = settings.MEDIA_ROOT / shop.client.public_id
    assert not [one for one in folder.iterdir() if one.is_file()]
