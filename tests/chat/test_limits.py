"""Limits of the visitors' paths: by address, visitor, bot and client, and whom to believe."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from chat.models import Bot, Conversation, Message
from tests.house import SITE, House, Tenant, Visitor, refused

QUESTION = "How many days do I have to return unworn goods?"
LIMITED = (429, "rate_limited")
# A day's window, so that none ends in the middle of a test. Each number belongs to one limit.
DAILY = {
    "session_address": 3,
    "chat_address": 7,
    "chat_visitor": 2,
    "chat_bot": 4,
    "chat_client": 6,
}
RATES = ",".join(f"{name}={count}/d" for name, count in DAILY.items())
DIRECT_RATES = "session_address=5/d,chat_address=8/d"
_hosts = itertools.count(1)


@pytest.fixture(scope="module")
def proxied(house: House) -> Iterator[httpx.Client]:
    """A web behind one proxy of its own, with small limits."""
    with house.another_web(RATE_LIMITS=RATES, TRUSTED_PROXY_COUNT="1") as http:
        yield http


@pytest.fixture(scope="module")
def direct(house: House) -> Iterator[httpx.Client]:
    """A web that callers reach directly, with small limits by address."""
    with house.another_web(RATE_LIMITS=DIRECT_RATES) as http:
        yield http


@pytest.fixture
def shop(proxied: httpx.Client) -> Tenant:
    return Tenant.make(proxied)


@dataclass
class Caller:
    """Somebody with an address of their own, as the proxy reports it."""

    tenant: Tenant
    address: str = ""

    def __post_init__(self) -> None:
        self.address = self.address or new_address()

    def open(self, **body: Any) -> httpx.Response:
        return self.tenant.http.post(
            "/api/widget/session",
            json={"bot": self.tenant.bot.public_id, **body},
            headers={"Origin": SITE, "X-Forwarded-For": self.address},
        )

    def visitor(self) -> Visitor:
        """Whose session was opened elsewhere, so that it does not count here."""
        body = Caller(self.tenant).open().json()
        return Visitor(self.tenant, body["token"], body["visitor"])

    def ask(self, visitor: Visitor | None = None, **body: Any) -> httpx.Response:
        sent = {"bot": self.tenant.bot.public_id, "message": QUESTION, **body}
        return (visitor or self.visitor()).post(sent, **{"X-Forwarded-For": self.address})


def new_address() -> str:
    """One that no test has used: networks kept for documentation."""
    return f"198.51.100.{next(_hosts)}"


# --- Each limit -----------------------------------------------------------------------------


def test_an_address_opens_so_many_sessions(shop: Tenant) -> None:
    caller = Caller(shop)
    for _ in range(DAILY["session_address"]):
        assert caller.open().status_code == 200
    assert_limited(caller.open())
    assert Caller(shop).open().status_code == 200


def test_an_address_asks_so_many_questions(shop: Tenant, proxied: httpx.Client) -> None:
    """Whoever opens ever new sessions, at ever other clients, is still one address."""
    address = new_address()
    for _ in range(DAILY["chat_address"]):
        assert Caller(Tenant.make(proxied), address).ask().status_code == 200
    assert_limited(Caller(shop, address).ask())
    assert Caller(shop).ask().status_code == 200


def test_a_visitor_asks_so_many_questions(shop: Tenant) -> None:
    """Also from ever other addresses, and with ever new tokens."""
    visitor = Caller(shop).visitor()
    for _ in range(DAILY["chat_visitor"]):
        assert Caller(shop).ask(visitor).status_code == 200
    assert_limited(Caller(shop).ask(visitor))
    again = Caller(shop).open(visitor=visitor.name).json()
    assert_limited(Caller(shop).ask(Visitor(shop, again["token"], again["visitor"])))
    assert Caller(shop).ask().status_code == 200


def test_a_bot_is_asked_so_many_questions(shop: Tenant, proxied: httpx.Client) -> None:
    for _ in range(DAILY["chat_bot"]):
        assert Caller(shop).ask().status_code == 200
    assert_limited(Caller(shop).ask())
    assert Caller(Tenant.make(proxied)).ask().status_code == 200


def test_a_clients_bots_together_are_asked_so_many_questions(shop: Tenant) -> None:
    second = sister(shop)
    for number in range(DAILY["chat_client"]):
        assert Caller(second if number % 2 else shop).ask().status_code == 200
    assert_limited(Caller(shop).ask())
    assert_limited(Caller(second).ask())


def test_a_clients_program_has_the_limits_of_its_bot(shop: Tenant) -> None:
    for _ in range(DAILY["chat_bot"]):
        assert ask_by_key(shop).status_code == 200
    assert_limited(ask_by_key(shop))


def test_a_question_beyond_the_limit_is_not_kept(shop: Tenant) -> None:
    visitor = Caller(shop).visitor()
    for _ in range(DAILY["chat_visitor"] + 2):
        Caller(shop).ask(visitor)
    asked = Message.objects.filter(conversation__bot=shop.bot, role=Message.Role.VISITOR)
    assert asked.count() == DAILY["chat_visitor"]
    assert Conversation.objects.for_client(shop.client).count() == DAILY["chat_visitor"]


def test_a_stream_beyond_the_limit_is_refused_before_it_begins(shop: Tenant) -> None:
    visitor = Caller(shop).visitor()
    body = {"bot": shop.bot.public_id, "message": QUESTION}
    for _ in range(DAILY["chat_visitor"] + 1):
        response = visitor.post(
            body, Accept="text/event-stream", **{"X-Forwarded-For": new_address()}
        )
    assert_limited(response)
    assert response.headers["Content-Type"] == "application/json"


# --- Whom to believe ------------------------------------------------------------------------


def test_without_a_proxy_a_forged_address_does_not_help(direct: httpx.Client) -> None:
    shop = Tenant.make(direct)
    answers = [Caller(shop).open() for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert_limited(answers[-1])


def test_without_a_proxy_a_forged_address_does_not_help_to_ask(
    direct: httpx.Client, shop: Tenant
) -> None:
    visitor = Caller(shop).visitor()
    visitor.tenant = Tenant(shop.client, shop.bot, shop.base, shop.key, direct)
    asker = Caller(visitor.tenant)
    answers = [Caller(visitor.tenant, new_address()).ask(visitor).status_code for _ in range(9)]
    assert answers == [200] * 8 + [429]
    assert_limited(asker.ask(visitor))


def test_what_stands_left_of_the_proxys_word_is_not_believed(shop: Tenant) -> None:
    real = new_address()
    for number in range(DAILY["session_address"]):
        assert Caller(shop, f"203.0.113.{number}, {real}").open().status_code == 200
    assert_limited(Caller(shop, f"203.0.113.99, {real}").open())
    assert_limited(Caller(shop, f"203.0.113.98,203.0.113.97,{real}").open())
    assert_limited(Caller(shop, real).open())
    assert Caller(shop, f"{real}, {new_address()}").open().status_code == 200


def test_addresses_of_one_ipv6_network_share_a_limit(shop: Tenant) -> None:
    """A subscriber holds a /64 and could take a new address for each call."""
    for number in range(DAILY["session_address"]):
        assert Caller(shop, f"2001:db8:1:1:{number}::{number}").open().status_code == 200
    assert_limited(Caller(shop, "2001:db8:1:1:ffff:ffff:ffff:ffff").open())
    assert_limited(Caller(shop, "2001:0DB8:0001:0001::1").open())
    assert Caller(shop, "2001:db8:1:2::1").open().status_code == 200


def test_an_ipv4_address_in_ipv6_clothes_is_the_same(shop: Tenant) -> None:
    address = new_address()
    for _ in range(DAILY["session_address"]):
        assert Caller(shop, f"::ffff:{address}").open().status_code == 200
    assert_limited(Caller(shop, address).open())
    assert Caller(shop, f"::ffff:{new_address()}").open().status_code == 200


def test_what_is_no_address_has_one_limit_for_all(shop: Tenant) -> None:
    for text in ("unknown", "_hidden", "1.2.3.4.5"):
        assert Caller(shop, text).open().status_code == 200
    assert_limited(Caller(shop, "nonsense").open())


def sister(shop: Tenant) -> Tenant:
    """The same client's second bot."""
    bot = Bot.objects.create(
        client=shop.client,
        knowledge_base=shop.base,
        name="Second",
        allowed_domains=["shop.example"],
    )
    return Tenant(shop.client, bot, shop.base, shop.key, shop.http)


def ask_by_key(shop: Tenant) -> httpx.Response:
    body = {"bot": shop.bot.public_id, "message": QUESTION}
    headers = shop.bearer | {"X-Forwarded-For": new_address()}
    return shop.http.post("/api/chat", json=body, headers=headers)


def assert_limited(response: httpx.Response) -> None:
    assert refused(response) == LIMITED
    seconds = int(response.headers["Retry-After"])
    assert 0 < seconds <= 24 * 3600
    # The widget tells the visitor how long, so its page must be able to read it.
    if "Origin" in response.request.headers:
        assert response.headers["Access-Control-Allow-Origin"] == SITE
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
