"""The staff's pages in a real browser: every list, and one of each other kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import Client, CspReport, User
from accounts.roles import Role
from billing.models import BillingState, RevenueDay
from tests.e2e.looking import WAYS, look, nothing_reported, shots
from tests.house import PASSWORD, House, session_of
from tests.services.browser import open_browser
from tests.site.test_admin import full, step, url

# Every page is walked in the first way; what differs in the others shows on these.
EVERY_WAY = ("index", "accounts_client", "client", "suspend", "person", "conversation", "revenue")


@pytest.fixture(scope="module")
def sight(house: House) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The site, a session of staff, and the pages to look at."""
    one = full("sunflower")
    boss = User.objects.create_superuser("boss@sunflower.example", PASSWORD)
    report = CspReport.objects.get(digest="sunflower")
    RevenueDay.objects.bulk_create(days_of_a_young_business())
    lists = {
        f"{model._meta.app_label}_{model._meta.model_name}": url(model, "changelist")
        for model in admin.site._registry
    }
    paths = {
        "index": "/admin/",
        "app": reverse("admin:app_list", args=["accounts"]),
        **lists,
        "found": f"{url(Client, 'changelist')}?q=sunflower",
        "client": url(Client, "change", one.client.pk),
        "client-history": url(Client, "history", one.client.pk),
        "suspend": step(one.client, "suspend"),
        "gift": step(one.client, "gift"),
        "person": url(User, "change", one.people[Role.OWNER].pk),
        "report-delete": url(CspReport, "delete", report.pk),
        "group": "/admin/auth/group/add/",
        "billing": url(BillingState, "change", one.client.billing.pk),
        "revenue": reverse("admin:billing_revenue"),
        "conversation": url(type(one.conversation), "change", one.conversation.pk),
    }
    yield house.web.url, session_of(boss), paths
    CspReport.objects.filter(digest="sunflower").delete()
    RevenueDay.objects.all().delete()


def days_of_a_young_business() -> Iterator[RevenueDay]:
    today = timezone.now().date()
    for ago in range(70, 0, -1):
        paying = 120 - ago
        yield RevenueDay(
            day=today - timedelta(days=ago),
            mrr_cents=paying * 8_650,
            paying=paying,
            trials=30 + ago % 7,
            past_due=ago % 5,
            ended=int(ago % 9 == 0),
        )


@pytest.fixture(scope="module")
def chromium(sight: tuple[str, str, dict[str, str]]) -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.mark.parametrize(("scheme", "width"), WAYS)
def test_no_page_of_the_admin_breaks_the_policy_or_shuts_anybody_out(
    chromium: Browser, sight: tuple[str, str, dict[str, str]], scheme: str, width: int
) -> None:
    site, session, paths = sight
    said: list[str] = []
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": site}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    with nothing_reported(context, site):
        for name in paths if (scheme, width) == WAYS[0] else EVERY_WAY:
            response = page.goto(site + paths[name])
            assert response is not None and response.status == 200, name
            # Django's own tables of related rows have columns without a title.
            shot = shots() / f"admin-{name}-{scheme}-{width}.png"
            look(page, shot, besides=("empty-table-header",))
        use(page, site, paths)
    context.close()
    assert not said


def use(page: Page, site: str, paths: dict[str, str]) -> None:
    """Move what Django's scripts move: the picker of rights, the side bar, the action menu."""
    page.goto(site + paths["group"])
    page.locator("#id_permissions_from option").first.dblclick()
    expect(page.locator("#id_permissions_to option")).to_have_count(1)
    if page.locator("#toggle-nav-sidebar").is_visible():
        page.click("#toggle-nav-sidebar")
    page.goto(site + paths["accounts_apikey"])
    page.locator("#action-toggle").check()
    assert page.locator("tr.selected").count() >= 1
    assert re.search(r"\d+ of \d+ selected", page.inner_text(".actions"))
