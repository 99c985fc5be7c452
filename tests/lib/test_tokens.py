"""Visitor tokens: who they were given to, and for how long."""

from __future__ import annotations

import time

import pytest
from django.core import signing
from pytest_django.fixtures import Settings

from chat import tokens
from chat.tokens import Visitor
from chatbot_saas.lib.errors import NotAuthenticated
from chatbot_saas.lib.ids import new_id

VISITOR = Visitor("bot_1", "https://shop.example", "vis_1")


def header(token: str) -> str:
    return f"Visitor {token}"


def code_of(authorization: str) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        tokens.read(authorization)
    return caught.value.code


def test_a_token_says_what_was_signed() -> None:
    assert tokens.read(header(tokens.sign(VISITOR))) == VISITOR


def test_a_token_changed_at_any_place_is_no_token() -> None:
    token = tokens.sign(VISITOR)
    for place, letter in enumerate(token):
        changed = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        assert code_of(header(changed)) == "token_invalid"


def test_a_token_is_no_other_bots_by_swapping_its_parts() -> None:
    other = tokens.sign(Visitor("bot_2", VISITOR.origin, VISITOR.visitor))
    body, signature = other.split(":", 1)[0], tokens.sign(VISITOR).split(":", 1)[1]
    assert code_of(header(f"{body}:{signature}")) == "token_invalid"


def test_a_token_expires(settings: Settings) -> None:
    token = tokens.sign(VISITOR)
    settings.VISITOR_TOKEN_SECONDS = 1
    assert tokens.read(header(token)) == VISITOR
    time.sleep(2.1)  # the time of signing is kept in whole seconds
    assert code_of(header(token)) == "token_expired"


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer sk_123", "visitor abc", "Visitor", "Token Visitor abc"],
)
def test_a_header_of_another_kind_is_a_missing_token(authorization: str) -> None:
    assert code_of(authorization) == "token_missing"


@pytest.mark.parametrize(
    "token", ["", "abc", ":::", "a:b:c", "é" * 20, "\x00", "." + "A" * 50, "x" * 100_000]
)
def test_garbage_is_an_invalid_token(token: str) -> None:
    assert code_of(header(token)) == "token_invalid"


def test_what_we_signed_for_something_else_is_no_token() -> None:
    values = [VISITOR.bot, VISITOR.origin, VISITOR.visitor]
    assert code_of(header(signing.dumps(values))) == "token_invalid"
    assert code_of(header(signing.dumps(values, salt="password-reset"))) == "token_invalid"


@pytest.mark.parametrize("content", [[], ["bot_1"], ["a", "b", "c", "d"], 7, None])
def test_a_signed_token_of_another_shape_is_an_invalid_one(content: object) -> None:
    token = signing.dumps(content, salt=tokens.SALT)
    assert code_of(header(token)) == "token_invalid"


def test_a_token_signed_with_another_key_is_an_invalid_one() -> None:
    values = [VISITOR.bot, VISITOR.origin, VISITOR.visitor]
    forged = signing.dumps(values, salt=tokens.SALT, key="another secret key")
    assert code_of(header(forged)) == "token_invalid"


def test_a_returning_visitor_keeps_the_name() -> None:
    name = new_id("vis")
    assert tokens.known_or_new_visitor(name) == name


@pytest.mark.parametrize("claimed", [None, "", 7, {}, "admin", "vis_", new_id("bot"), "vis_'--"])
def test_a_name_that_we_cannot_have_given_is_replaced(claimed: object) -> None:
    given = tokens.known_or_new_visitor(claimed)
    assert given != claimed
    assert tokens.known_or_new_visitor(given) == given
