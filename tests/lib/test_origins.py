"""On which sites a bot may stand."""

from __future__ import annotations

import time

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from chat.models import Bot
from chat.origins import matches, require_allowed
from chatbot_saas.lib.errors import Forbidden


@pytest.mark.parametrize(
    ("origin", "domain"),
    [
        ("https://shop.example", "shop.example"),
        ("https://shop.example", "SHOP.Example"),
        ("https://shop.example:8443", "shop.example:8443"),
        ("https://www.shop.example", "*.shop.example"),
        ("https://a.b.shop.example", "*.shop.example"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://localhost", "localhost"),
        ("http://localhost:3000", "localhost"),
        ("https://localhost:3000", "localhost"),
        ("http://127.0.0.1:5500", "127.0.0.1"),
        ("http://[::1]:3000", "[::1]"),
    ],
)
def test_a_listed_site_may_show_the_bot(origin: str, domain: str) -> None:
    assert matches(origin, [domain])
    assert matches(origin, ["other.example", domain])


@pytest.mark.parametrize(
    ("origin", "domain"),
    [
        ("https://evil-shop.example", "shop.example"),
        ("https://shop.example.evil.example", "shop.example"),
        ("https://www.shop.example", "shop.example"),
        ("https://shop.example", "*.shop.example"),
        ("https://evil-shop.example", "*.shop.example"),
        ("https://.shop.example", "*.shop.example"),
        ("https://www.shop.example.evil.example", "*.shop.example"),
        ("https://shop.example@evil.example", "shop.example"),
        ("https://evil.example@shop.example", "shop.example"),
        ("https://evil.example#.shop.example", "*.shop.example"),
        ("https://evil.example/.shop.example", "*.shop.example"),
        ("https://evil.example?.shop.example", "*.shop.example"),
        ("https://evil.example\\.shop.example", "*.shop.example"),
        ("https://shop.example:8443", "shop.example"),
        ("https://shop.example", "shop.example:8443"),
        ("https://www.shop.example:8443", "*.shop.example"),
        ("http://shop.example", "shop.example"),
        ("http://www.shop.example", "*.shop.example"),
        ("ws://shop.example", "shop.example"),
        ("https://shop.example.", "shop.example"),
        ("https://shop.example/", "shop.example"),
        ("https://shop.example ", "shop.example"),
        ("https://shop.example\n", "shop.example"),
        ("https://xn--shp-sna.example", "shop.example"),
        ("https://shöp.example", "shop.example"),
        ("http://localhost.evil.example", "localhost"),
        ("http://127.0.0.1.evil.example", "127.0.0.1"),
        ("null", "null"),
        ("", ""),
        ("https://", ""),
        ("file://", ""),
        ("shop.example", "shop.example"),
        ("//shop.example", "shop.example"),
        ("https://shop.example", "*"),
        ("https://shop.example", ""),
    ],
)
def test_no_other_site_may(origin: str, domain: str) -> None:
    assert not matches(origin, [domain])


@pytest.mark.parametrize("host", ["a" * 100_000, "a." * 50_000, "a-" * 50_000, ":" * 100_000])
def test_an_endless_origin_is_refused_at_once(host: str) -> None:
    start = time.process_time()
    assert not matches(f"https://{host}!", ["shop.example", "*.shop.example"])
    assert time.process_time() - start < 1


def test_a_bot_without_a_list_stands_nowhere() -> None:
    assert not matches("https://shop.example", [])


def allowed(bot: Bot, **headers: str) -> str:
    request = RequestFactory().post("/api/widget/session", headers=headers)
    return require_allowed(request, bot)


@pytest.fixture
def bot() -> Bot:
    return Bot(name="Helper", allowed_domains=["shop.example"])


def test_the_origin_is_compared_in_small_letters(bot: Bot) -> None:
    assert allowed(bot, origin="HTTPS://SHOP.Example") == "https://shop.example"


def test_our_own_pages_may_show_every_bot(bot: Bot, settings: Settings) -> None:
    settings.SITE_URL = "https://chat.example/base"
    assert allowed(bot, origin="https://chat.example") == "https://chat.example"
    assert allowed(bot, origin="http://testserver") == "http://testserver"


@pytest.mark.parametrize("headers", [{}, {"origin": ""}, {"origin": "null"}])
def test_a_request_without_a_site_is_refused(bot: Bot, headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        allowed(bot, **headers)


def test_another_site_is_refused_with_a_code(bot: Bot) -> None:
    with pytest.raises(Forbidden) as caught:
        allowed(bot, origin="https://evil-shop.example")
    assert caught.value.code == "origin_not_allowed"


@pytest.mark.parametrize("origin", ["https://[", "https://[::1", "http://[shop.example]"])
def test_an_origin_that_is_no_address_is_refused_like_any_other(bot: Bot, origin: str) -> None:
    with pytest.raises(Forbidden):
        allowed(bot, origin=origin)


@pytest.mark.parametrize("origin", ["http://[::1].evil.example", "http://[::1]@evil.example"])
def test_a_host_that_only_begins_like_this_machine_is_another_one(origin: str) -> None:
    assert not matches(origin, ["[::1]"])
