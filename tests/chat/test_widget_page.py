"""The widget's page, its sightings, and the hosted chat."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from accounts.models import AuditEvent, Client
from accounts.roles import Role
from chat import sightings
from chat.models import Bot, Conversation, Sighting
from tests.accounts.conftest import signed_in
from tests.everything import Everything
from tests.house import Tenant

PAGE = "/app/widget/"
SAVE = "/app/widget/save/"
ALLOW = "/app/widget/allow/"
FORM = {
    "name": "Helper",
    "greeting": "Hello!",
    "placeholder": "Ask…",
    "suggestions": "When do you open?\n\nWhere are you?\n",
    "color": "#AA3300",
    "theme": "dark",
    "position": "left",
    "allowed_domains": "https://Shop.example/cart\n*.shop.example\nshop.example",
    "instructions": "Be brief.",
}


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def acme(db: None) -> Everything:
    return Everything.make("acme")


@pytest.fixture
def editor(acme: Everything) -> Browser:
    return signed_in(acme, Role.EDITOR)


def test_an_editor_changes_looks_words_and_websites(editor: Browser, acme: Everything) -> None:
    Bot.objects.filter(pk=acme.bot.pk).update(styled_at=None)
    assert editor.post(SAVE, FORM).status_code == 302
    bot = Bot.objects.get(pk=acme.bot.pk)
    assert bot.suggestions == ["When do you open?", "Where are you?"]
    assert bot.allowed_domains == ["shop.example", "*.shop.example"]
    assert (bot.color, bot.theme, bot.position) == ("#aa3300", "dark", "left")
    assert bot.styled_at is not None
    event = AuditEvent.objects.for_client(acme.client).latest("pk")
    assert event.action == "bot.changed"
    assert "allowed_domains" in event.details["changed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("color", "red; background: url(//evil)"),
        ("theme", "neon"),
        ("position", "middle"),
        ("suggestions", "\n".join("1234567")),
        ("suggestions", "x" * 121),
        ("allowed_domains", "not a website"),
        ("allowed_domains", "\n".join(f"s{n}.example" for n in range(101))),
        ("instructions", "x" * 2001),
    ],
)
def test_bad_input_changes_nothing(
    editor: Browser, acme: Everything, field: str, value: str
) -> None:
    response = editor.post(SAVE, FORM | {field: value})
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert Bot.objects.get(pk=acme.bot.pk).name == "acme bot"


def test_viewers_look_and_lapsed_clients_too(acme: Everything) -> None:
    viewer = signed_in(acme, Role.VIEWER)
    assert viewer.get(PAGE).status_code == 200
    assert viewer.post(SAVE, FORM).status_code == 403
    Client.objects.filter(pk=acme.client.pk).update(is_active=False)
    editor = signed_in(acme, Role.EDITOR)
    assert editor.get(PAGE).status_code == 200
    assert editor.post(SAVE, FORM).status_code == 402
    assert editor.post(ALLOW, {"origin": "https://acme-copy.example"}).status_code == 402


def test_another_clients_bot_does_not_exist(editor: Browser, db: None) -> None:
    other = Everything.make("rival")
    theirs = {"bot": other.bot.public_id}
    assert editor.get(PAGE, theirs).status_code == 404
    assert editor.post(SAVE, FORM | theirs).status_code == 404
    assert editor.post(ALLOW, theirs | {"origin": "https://rival-copy.example"}).status_code == 404
    assert Bot.objects.get(pk=other.bot.pk).name == "rival bot"


def test_a_refused_website_is_allowed_with_one_click(editor: Browser, acme: Everything) -> None:
    assert "https://acme-copy.example" in editor.get(PAGE).content.decode()
    assert editor.post(ALLOW, {"origin": "https://acme-copy.example"}).status_code == 302
    assert "acme-copy.example" in Bot.objects.get(pk=acme.bot.pk).allowed_domains
    assert not Sighting.objects.filter(bot=acme.bot, refused=True).exists()
    assert editor.post(ALLOW, {"origin": "https://acme-copy.example"}).status_code == 400
    assert editor.post(ALLOW, {"origin": "https://never-seen.example"}).status_code == 400


def test_openings_are_noted_where_they_happen(shop: Tenant) -> None:
    assert shop.session(origin="https://shop.example").status_code == 200
    assert shop.session(origin="https://evil.example").status_code == 403
    assert shop.session(origin=str(shop.http.base_url).rstrip("/")).status_code == 200
    assert shop.session(origin="null").status_code == 403
    assert shop.session(origin=None).status_code == 403
    noted = dict(Sighting.objects.filter(bot=shop.bot).values_list("origin", "refused"))
    assert noted == {"https://shop.example": False, "https://evil.example": True}


def test_a_website_that_is_allowed_later_is_no_longer_refused(acme: Everything) -> None:
    sightings.note(acme.bot, "https://new.example", refused=True)
    sightings.note(acme.bot, "https://new.example", refused=False)
    seen = Sighting.objects.get(bot=acme.bot, origin="https://new.example")
    assert (seen.refused, seen.count) == (False, 2)


def test_many_openings_cost_one_write_a_minute(acme: Everything, django_assert_num_queries) -> None:
    sightings.note(acme.bot, "https://busy.example", refused=False)
    with django_assert_num_queries(0):
        for _ in range(20):
            sightings.note(acme.bot, "https://busy.example", refused=False)


def test_strangers_cannot_fill_the_table(acme: Everything) -> None:
    for number in range(sightings.MOST_REFUSED + 20):
        sightings.note(acme.bot, f"https://evil{number}.example", refused=True)
    sightings.note(acme.bot, "https://" + "x" * 300 + ".example", refused=True)
    sightings.note(acme.bot, "<script>", refused=True)
    refused = Sighting.objects.filter(bot=acme.bot, refused=True)
    assert refused.count() == sightings.MOST_REFUSED


def test_the_hosted_page_may_be_framed_by_the_clients_sites_alone(shop: Tenant) -> None:
    Bot.objects.filter(pk=shop.bot.pk).update(
        allowed_domains=["shop.example", "*.shop.example", "localhost"]
    )
    page = shop.http.get(f"/c/{shop.bot.public_id}/")
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert (
        "frame-ancestors 'self' https://shop.example https://*.shop.example "
        "http://localhost:* http://localhost;" in policy + ";"
    )
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in page.headers
    assert "Set-Cookie" not in page.headers


def test_only_the_dashboard_may_frame_the_preview(shop: Tenant) -> None:
    page = shop.http.get(f"/c/{shop.bot.public_id}/preview/")
    assert "frame-ancestors 'self';" in page.headers["Content-Security-Policy"] + ";"


def test_the_hosted_page_of_nobody_and_of_a_lapsed_client(shop: Tenant) -> None:
    assert shop.http.get("/c/bot_nothing/").status_code == 404
    assert shop.http.post(f"/c/{shop.bot.public_id}/").status_code == 405
    Client.objects.filter(pk=shop.client.pk).update(is_active=False)
    page = shop.http.get(f"/c/{shop.bot.public_id}/")
    assert page.status_code == 200
    assert "not available at the moment" in page.text
    assert "subscription" not in page.text
    assert 'id="chat"' not in page.text


@pytest.mark.parametrize(
    ("path", "channel"),
    [("/c/{bot}/", "hosted"), ("/c/{bot}/preview/", "playground"), ("/demo/", "widget")],
)
def test_where_a_conversation_was_held_is_kept(shop: Tenant, path: str, channel: str) -> None:
    own = str(shop.http.base_url).rstrip("/")
    url = own + path.format(bot=shop.bot.public_id)
    asked = shop.visitor(origin=own).ask("Hello?", page_url=url).json()["conversation"]
    assert Conversation.objects.get(public_id=asked).channel == channel


def test_another_site_cannot_pass_for_the_hosted_page(shop: Tenant) -> None:
    url = f"{shop.http.base_url}/c/{shop.bot.public_id}/"
    asked = shop.visitor().ask("Hello?", page_url=url).json()["conversation"]
    assert Conversation.objects.get(public_id=asked).channel == "widget"


def test_the_number_of_queries_does_not_grow_with_the_sightings(
    editor: Browser, acme: Everything, django_assert_max_num_queries
) -> None:
    Sighting.objects.bulk_create(
        Sighting(bot=acme.bot, origin=f"https://s{number}.example", refused=number % 2 == 0)
        for number in range(100)
    )
    editor.get(PAGE)
    with django_assert_max_num_queries(12):
        editor.get(PAGE)


def test_wrong_methods_are_refused(editor: Browser) -> None:
    assert editor.post(PAGE).status_code == 405
    assert editor.get(SAVE).status_code == 405
    assert editor.get(ALLOW).status_code == 405
