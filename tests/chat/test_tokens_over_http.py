"""POST /api/chat with visitors' tokens: what is checked again with each question."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from django.core import signing

from chat import tokens
from chat.models import Bot, Conversation
from tests.house import SITE, House, Tenant, Visitor, refused
from tests.services.waiting import wait_until

QUESTION = "How many days do I have to return unworn goods?"
INVALID = (401, "token_invalid")
NOT_ALLOWED = (403, "origin_not_allowed")


@pytest.fixture(scope="module")
def hasty(house: House) -> Iterator[httpx.Client]:
    """A web whose tokens live for a second."""
    with house.another_web(VISITOR_TOKEN_SECONDS="1") as http:
        yield http


def test_the_renewed_token_of_an_answer_works(taught: Tenant) -> None:
    visitor = taught.visitor()
    name, done = visitor.stream(QUESTION)[-1]
    assert name == "done"
    renewed = replace(visitor, token=done["token"])
    again = renewed.ask(QUESTION, conversation=Conversation.objects.get(bot=taught.bot).public_id)
    assert again.status_code == 200


@pytest.mark.parametrize("sent", ["", "Visitor", "Basic eDp5", "visitor-token", "Token abc"])
def test_without_a_token_there_is_no_answer(shop: Tenant, sent: str) -> None:
    visitor = shop.visitor()
    assert refused(ask_with(visitor, sent)) == (401, "token_missing")
    nothing_was_said(shop)


@pytest.mark.parametrize(
    "token", ["garbage", "a:b:c", ":::", "....", "W10:1xV:x", "é", "null", "x" * 5000]
)
def test_garbage_is_no_token(shop: Tenant, token: str) -> None:
    visitor = shop.visitor()
    assert refused(ask_with(visitor, f"Visitor {token}")) == INVALID
    nothing_was_said(shop)


def test_a_changed_token_is_refused(shop: Tenant) -> None:
    """Another visitor's name under the old signature."""
    visitor, victim = shop.visitor(), shop.visitor()
    payload, _, signature = visitor.token.partition(":")
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert said == [shop.bot.public_id, SITE, visitor.name]
    said[2] = victim.name
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    assert refused(ask_with(visitor, f"Visitor {forged}:{signature}")) == INVALID
    for place in (0, len(visitor.token) // 2, len(visitor.token) - 1):
        assert refused(ask_with(visitor, f"Visitor {flipped(visitor.token, place)}")) == INVALID
    nothing_was_said(shop)


def test_what_we_signed_for_another_purpose_is_no_token(shop: Tenant) -> None:
    visitor = shop.visitor()
    said = [shop.bot.public_id, SITE, visitor.name]
    foreign = signing.dumps(said, salt="accounts.password")
    assert refused(ask_with(visitor, f"Visitor {foreign}")) == INVALID


@pytest.mark.parametrize("said", [[], ["bot"], {"bot": 1}, "text", 5, ["a", "b", "c", "d"]])
def test_a_signed_token_of_another_form_is_refused(shop: Tenant, said: object) -> None:
    token = signing.dumps(said, salt=tokens.SALT)
    assert refused(ask_with(shop.visitor(), f"Visitor {token}")) == INVALID


def test_another_bots_token_is_refused(shop: Tenant, rival: Tenant) -> None:
    stranger = rival.visitor()
    response = stranger.ask(QUESTION, bot=shop.bot.public_id)
    assert refused(response) == (403, "token_wrong_bot")
    nothing_was_said(shop)


def test_a_token_works_only_on_the_site_that_it_was_given_to(house: House) -> None:
    shop = house.tenant(domains=("shop.example", "www.shop.example"))
    visitor = shop.visitor(origin=SITE)
    carried_off = replace(visitor, origin="https://www.shop.example")
    assert refused(carried_off.ask(QUESTION)) == NOT_ALLOWED
    assert visitor.ask(QUESTION).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil-shop.example", "null", ""])
def test_a_stolen_token_does_not_work_elsewhere(shop: Tenant, origin: str) -> None:
    response = replace(shop.visitor(), origin=origin).ask(QUESTION)
    assert refused(response) == NOT_ALLOWED
    assert "Access-Control-Allow-Origin" not in response.headers
    nothing_was_said(shop)


def test_a_token_ends_with_its_sites_permission(shop: Tenant) -> None:
    visitor = shop.visitor()
    Bot.objects.filter(pk=shop.bot.pk).update(allowed_domains=["other.example"])
    assert refused(visitor.ask(QUESTION)) == NOT_ALLOWED


def test_a_token_ends_with_the_clients_subscription(shop: Tenant) -> None:
    visitor = shop.visitor()
    shop.client.is_active = False
    shop.client.save(update_fields=["is_active"])
    assert refused(visitor.ask(QUESTION)) == (402, "subscription_inactive")
    nothing_was_said(shop)


def test_a_token_ends_with_its_time(hasty: httpx.Client) -> None:
    visitor = Tenant.make(hasty).visitor()
    wait_until(lambda: visitor.ask(QUESTION).status_code != 200, 10, every=0.3)
    late = visitor.ask(QUESTION)
    assert refused(late) == (401, "token_expired")
    # The widget must be able to read that it should open a new session.
    assert late.headers["Access-Control-Allow-Origin"] == SITE


def ask_with(visitor: Visitor, authorization: str) -> httpx.Response:
    body = {"bot": visitor.tenant.bot.public_id, "message": QUESTION}
    return visitor.post(body, Authorization=authorization)


def flipped(token: str, place: int) -> str:
    other = "A" if token[place] != "A" else "B"
    return token[:place] + other + token[place + 1 :]


def nothing_was_said(shop: Tenant) -> None:
    assert not Conversation.objects.for_client(shop.client).exists()
