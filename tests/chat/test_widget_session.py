"""POST /api/widget/session: which sites get in, what they get, what browsers may read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.conf import settings

from chat.models import Bot
from tests.house import SITE, House, Tenant, Visitor, refused

CONFIG = {
    "name",
    "logo",
    "colors",
    "theme",
    "position",
    "greeting",
    "placeholder",
    "suggestions",
    "language",
    "voice",
    "lead_form",
    "branding",
}
QUESTION = "How many days do I have to return unworn goods?"
NOT_ALLOWED = (403, "origin_not_allowed")


def test_a_session_gives_token_visitor_and_looks(shop: Tenant) -> None:
    opened = shop.session()
    assert opened.status_code == 200
    body = opened.json()
    assert set(body) == {"token", "visitor", "config"}
    assert body["token"]
    assert body["visitor"].startswith("vis_")
    assert set(body["config"]) == CONFIG
    assert body["config"]["name"] == "Helper"


def test_a_session_tells_nothing_that_is_not_public(shop: Tenant) -> None:
    Bot.objects.filter(pk=shop.bot.pk).update(instructions="Never mention the merger.")
    told = shop.session().text
    for secret in ("merger", shop.client.public_id, shop.base.public_id, "shop.example", shop.key):
        assert secret not in told


def test_each_visitor_gets_a_name_of_their_own(shop: Tenant) -> None:
    assert shop.visitor().name != shop.visitor().name


@pytest.mark.parametrize("claimed", ["vis_short", "admin", 7, None, ["vis"], "vis_" + "0" * 22])
def test_a_made_up_visitor_is_not_believed(shop: Tenant, claimed: object) -> None:
    assert shop.visitor(visitor=claimed).name != claimed


# --- The lock -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("shop.example", "https://shop.example"),
        ("Shop.Example", "https://shop.example"),
        ("shop.example:8443", "https://shop.example:8443"),
        ("*.shop.example", "https://www.shop.example"),
        ("*.shop.example", "https://a.b.shop.example"),
        ("localhost", "http://localhost"),
        ("localhost", "http://localhost:5173"),
        ("localhost", "https://localhost:5173"),
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("[::1]", "http://[::1]:8080"),
    ],
)
def test_a_site_of_the_list_gets_in(shop: Tenant, domain: str, origin: str) -> None:
    allow(shop, "other.example", domain)
    assert shop.session(origin=origin).status_code == 200


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("shop.example", "https://evil-shop.example"),
        ("shop.example", "https://shop.example.evil.example"),
        ("shop.example", "https://www.shop.example"),
        ("shop.example", "http://shop.example"),
        ("shop.example", "ftp://shop.example"),
        ("shop.example", "https://shop.example:8443"),
        ("shop.example", "https://shop.example/"),
        ("shop.example", "https://evil@shop.example"),
        ("shop.example", "https://shop.example@evil.example"),
        ("shop.example", "shop.example"),
        ("shop.example", "https://shop.exam"),
        ("shop.example", "https://"),
        ("shop.example", "https://["),
        ("shop.example", "https://[::1]"),
        ("shop.example", "http://localhost"),
        ("*.shop.example", "https://shop.example"),
        ("*.shop.example", "https://evil-shop.example"),
        ("*.shop.example", "https://.shop.example"),
        ("*.shop.example", "http://www.shop.example"),
        ("localhost", "http://localhost.evil.example"),
        ("shop.example", "null"),
        ("shop.example", ""),
        ("null", "null"),
        ("*", "https://evil.example"),
        ("*.", "https://evil.example"),
        ("", "https://evil.example"),
    ],
)
def test_any_other_site_is_refused(shop: Tenant, domain: str, origin: str) -> None:
    allow(shop, domain)
    assert refused(shop.session(origin=origin)) == NOT_ALLOWED


def test_a_missing_origin_is_refused(shop: Tenant) -> None:
    assert refused(shop.session(origin=None)) == NOT_ALLOWED


@pytest.mark.parametrize("origin", [None, "null", SITE, "https://localhost", "http://localhost"])
def test_an_empty_list_admits_no_other_site(shop: Tenant, origin: str | None) -> None:
    allow(shop)
    assert refused(shop.session(origin=origin)) == NOT_ALLOWED


@pytest.mark.parametrize("domains", [(), ("shop.example",)])
def test_the_products_own_pages_always_get_in(
    shop: Tenant, house: House, domains: tuple[str, ...]
) -> None:
    allow(shop, *domains)
    assert shop.session(origin=settings.SITE_URL).status_code == 200
    assert shop.session(origin=house.web.url).status_code == 200


# --- Other refusals -------------------------------------------------------------------------


@pytest.mark.parametrize("bot", ["bot_unknown", "", None, 7, [], {}, True, "bot_\x00"])
def test_an_unknown_bot_is_404(shop: Tenant, bot: object) -> None:
    assert refused(shop.session(bot=bot)) == (404, "unknown_bot")


def test_an_inactive_clients_widget_stays_closed(shop: Tenant) -> None:
    shop.client.is_active = False
    shop.client.save(update_fields=["is_active"])
    assert refused(shop.session()) == (402, "subscription_inactive")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_is_a_way_in(shop: Tenant, method: str) -> None:
    response = shop.http.request(method, "/api/widget/session", headers={"Origin": SITE})
    assert refused(response) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("body", [b"", b"hello", b'{"bot": ', b"[]", b'"text"', b"1", b"\xff\xfe"])
def test_what_is_no_json_object_is_400(shop: Tenant, body: bytes) -> None:
    assert refused(post(shop, body)) == (400, "invalid_json")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(shop: Tenant, kind: str) -> None:
    """Also a protection: a browser asks first before it sends JSON to another site."""
    body = b'{"bot": "%s"}' % shop.bot.public_id.encode()
    assert refused(post(shop, body, kind)) == (415, "unsupported_type")


def test_a_content_type_may_name_its_character_set(shop: Tenant) -> None:
    body = b'{"bot": "%s"}' % shop.bot.public_id.encode()
    assert post(shop, body, "application/json; charset=utf-8").status_code == 200


# --- CORS -----------------------------------------------------------------------------------


def test_an_answer_names_exactly_the_sites_origin(shop: Tenant) -> None:
    headers = shop.session().headers
    assert headers["Access-Control-Allow-Origin"] == SITE
    assert "Origin" in headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in headers


def test_a_preflight_tells_what_may_be_sent(shop: Tenant) -> None:
    asked = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    for path in ("/api/widget/session", "/api/chat"):
        response = shop.http.options(path, headers=asked)
        assert response.status_code == 204
        assert response.headers["Access-Control-Allow-Origin"] == SITE
        assert response.headers["Access-Control-Allow-Methods"] == "POST"
        assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
        assert "Origin" in response.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("origin", ["https://evil-shop.example", "null", None])
def test_a_refused_site_cannot_read_the_refusal(shop: Tenant, origin: str | None) -> None:
    headers = shop.session(origin=origin).headers
    assert "Access-Control-Allow-Origin" not in headers
    assert "Origin" in headers["Vary"]


def test_a_site_can_read_why_its_call_failed(shop: Tenant) -> None:
    response = shop.session(bot="bot_unknown")
    assert response.headers["Access-Control-Allow-Origin"] == SITE
    assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


# --- Coming back ----------------------------------------------------------------------------


def test_a_returning_visitor_gets_the_conversation_back(taught: Tenant) -> None:
    visitor = taught.visitor()
    answer = visitor.ask(QUESTION).json()
    again = come_back(taught, visitor, answer["conversation"])
    assert again["visitor"] == visitor.name
    assert again["conversation"]["id"] == answer["conversation"]
    asked, replied = again["conversation"]["messages"]
    assert (asked["role"], asked["text"]) == ("visitor", QUESTION)
    assert replied == {
        "id": answer["message_id"],
        "role": "bot",
        "text": answer["answer"],
        "state": "done",
        "answered": True,
        "citations": answer["citations"],
    }
    assert answer["citations"]


def test_a_visitor_goes_on_with_the_conversation_that_came_back(taught: Tenant) -> None:
    visitor = taught.visitor()
    conversation = visitor.ask(QUESTION).json()["conversation"]
    again = taught.visitor(visitor=visitor.name, conversation=conversation)
    assert again.ask(QUESTION, conversation=conversation).status_code == 200
    assert len(come_back(taught, visitor, conversation)["conversation"]["messages"]) == 4


def test_another_visitor_does_not_get_the_conversation(taught: Tenant) -> None:
    conversation = taught.visitor().ask(QUESTION).json()["conversation"]
    assert "conversation" not in come_back(taught, taught.visitor(), conversation)
    assert "conversation" not in taught.session(conversation=conversation).json()


def test_another_bots_conversation_does_not_come_back(taught: Tenant, rival: Tenant) -> None:
    visitor = taught.visitor()
    conversation = visitor.ask(QUESTION).json()["conversation"]
    second = Bot.objects.create(
        client=taught.client,
        knowledge_base=taught.base,
        name="Second",
        allowed_domains=["shop.example"],
    )
    assert "conversation" not in come_back(taught, visitor, conversation, bot=second.public_id)
    assert "conversation" not in come_back(rival, visitor, conversation)


@pytest.mark.parametrize("conversation", ["con_unknown", "con_\x00", "", 7, [], {"id": 1}, None])
def test_a_conversation_that_is_none_is_not_missed(shop: Tenant, conversation: object) -> None:
    opened = shop.session(conversation=conversation)
    assert opened.status_code == 200
    assert "conversation" not in opened.json()


# --- No cookie ------------------------------------------------------------------------------

PUBLIC: dict[str, Callable[[Tenant], httpx.Response]] = {
    "the loader": lambda shop: shop.http.get("/widget.js"),
    "the demo page": lambda shop: shop.http.get("/demo/"),
    "a session": lambda shop: shop.session(),
    "a refused session": lambda shop: shop.session(origin="https://evil-shop.example"),
    "a preflight": lambda shop: shop.http.options("/api/chat", headers={"Origin": SITE}),
    "an answer": lambda shop: shop.visitor().ask(QUESTION),
    "a refused question": lambda shop: shop.visitor().ask(""),
    "a client's program": lambda shop: shop.chat(QUESTION),
    "the pulse": lambda shop: shop.http.get("/healthz"),
}


@pytest.mark.parametrize("path", PUBLIC)
def test_no_public_path_sets_a_cookie(shop: Tenant, path: str) -> None:
    response = PUBLIC[path](shop)
    assert response.status_code < 500
    assert "Set-Cookie" not in response.headers


def test_a_streamed_answer_sets_no_cookie(shop: Tenant) -> None:
    with shop.visitor().open_stream(QUESTION) as response:
        assert response.status_code == 200
        assert "Set-Cookie" not in response.headers


def allow(shop: Tenant, *domains: str) -> None:
    Bot.objects.filter(pk=shop.bot.pk).update(allowed_domains=list(domains))


def post(shop: Tenant, body: bytes, kind: str = "application/json") -> httpx.Response:
    headers = {"Origin": SITE, "Content-Type": kind}
    return shop.http.post("/api/widget/session", content=body, headers=headers)


def come_back(tenant: Tenant, visitor: Visitor, conversation: str, **body: Any) -> dict[str, Any]:
    opened = tenant.session(visitor=visitor.name, conversation=conversation, **body)
    assert opened.status_code == 200, opened.text
    return dict(opened.json())
