"""POST /api/chat with what is no question: a clear error, and nothing is left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings

from chat.models import Conversation, Message
from tests.house import Tenant, refused

QUESTION = "How many days do I have to return unworn goods?"
DEEP = 100_000


@pytest.mark.parametrize("message", ["", " ", " \t\r\n ", "\u00a0\u2003", "\x00", " \x00\x00 "])
def test_an_empty_question_is_refused(shop: Tenant, message: str) -> None:
    assert refused(shop.visitor().ask(message)) == (400, "empty_message")
    nothing_was_said(shop)


@pytest.mark.parametrize("message", [None, 7, 1.5, True, [], ["text"], {}, {"text": "Hello?"}])
def test_a_question_must_be_a_text(shop: Tenant, message: Any) -> None:
    assert refused(shop.visitor().ask(message)) == (400, "empty_message")
    nothing_was_said(shop)


def test_a_question_must_be_there(shop: Tenant) -> None:
    assert refused(shop.visitor().post({"bot": shop.bot.public_id})) == (400, "empty_message")


@pytest.mark.parametrize("characters", [settings.MAX_QUESTION_CHARACTERS + 1, 20_000])
def test_a_question_that_is_too_long_is_refused(shop: Tenant, characters: int) -> None:
    assert refused(shop.visitor().ask("x" * characters)) == (400, "message_too_long")
    nothing_was_said(shop)


def test_a_question_may_be_long(taught: Tenant) -> None:
    longest = (QUESTION + " ") * 100
    answer = taught.visitor().ask(longest[: settings.MAX_QUESTION_CHARACTERS])
    assert answer.status_code == 200


def test_nul_characters_are_left_out(taught: Tenant) -> None:
    answer = taught.visitor().ask(QUESTION.replace("days", "da\x00ys"))
    assert answer.json()["answered"]
    assert said_to(taught) == [QUESTION]


def test_half_a_letter_does_no_harm(taught: Tenant) -> None:
    """JSON can say half of a surrogate pair, which is no text that a database would keep."""
    raw = json.dumps({"bot": taught.bot.public_id, "message": f"{QUESTION} @"})
    answer = taught.visitor().post(raw.replace("@", r"\ud83d").encode())
    assert answer.status_code == 200
    assert said_to(taught) == [f"{QUESTION} ?"]


@pytest.mark.parametrize(
    "text", ["😀" * 500, "<script>alert(1)</script>", "' OR 1=1 --", "\u202e%s"]
)
def test_odd_questions_are_only_texts(taught: Tenant, text: str) -> None:
    answer = taught.visitor().ask(text)
    assert answer.status_code == 200
    assert answer.json()["answered"] is False
    assert said_to(taught) == [text]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b'{"message": "Hello?"',
        b"{'message': 'Hello?'}",
        b'{"message": "\xff\xfe"}',
        b"[]",
        b'["Hello?"]',
        b'"Hello?"',
        b"7",
        b"null",
        b"9" * 10_000,
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"message": ' + b'{"a":' * DEEP + b"1" + b"}" * (DEEP + 1),
    ],
    ids=range(14),
)
def test_what_is_no_json_object_is_refused(shop: Tenant, body: bytes) -> None:
    assert refused(shop.visitor().post(body)) == (400, "invalid_json")
    nothing_was_said(shop)


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "text/html"])
def test_another_content_type_is_415(shop: Tenant, kind: str) -> None:
    response = shop.visitor().post({"message": QUESTION}, **{"Content-Type": kind})
    assert refused(response) == (415, "unsupported_type")


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 3 * 1024 * 1024])
def test_a_megabyte_is_no_question(shop: Tenant, size: int) -> None:
    assert refused(shop.visitor().post(b" " * size)) == (413, "too_large")


@pytest.mark.parametrize("conversation", [7, 1.5, True, [], ["con_1"], {}, {"id": "con_1"}])
def test_a_conversation_must_be_named_by_a_text(shop: Tenant, conversation: Any) -> None:
    response = shop.visitor().ask(QUESTION, conversation=conversation)
    assert refused(response) == (400, "invalid")
    nothing_was_said(shop)


@pytest.mark.parametrize("conversation", ["con_unknown", "con_\x00", "c" * 5000, "1", "' OR 1=1"])
def test_an_unknown_conversation_is_404(shop: Tenant, conversation: str) -> None:
    response = shop.visitor().ask(QUESTION, conversation=conversation)
    assert refused(response) == (404, "unknown_conversation")
    nothing_was_said(shop)


@pytest.mark.parametrize("page_url", [7, [], {"href": "/"}])
def test_a_page_must_be_named_by_a_text(shop: Tenant, page_url: Any) -> None:
    assert refused(shop.visitor().ask(QUESTION, page_url=page_url)) == (400, "invalid")


def test_a_long_page_address_is_cut(taught: Tenant) -> None:
    address = "https://shop.example/\x00" + "a" * 2000
    assert taught.visitor().ask(QUESTION, page_url=address).status_code == 200
    kept = Conversation.objects.get(bot=taught.bot).page_url
    assert kept == address.replace("\x00", "")[:500]


@pytest.mark.parametrize("bot", ["bot_unknown", "", None, 7, ["bot"], "bot_\x00"])
def test_an_unknown_bot_is_404(shop: Tenant, bot: Any) -> None:
    assert refused(shop.visitor().ask(QUESTION, bot=bot)) == (404, "unknown_bot")
    assert refused(shop.chat(QUESTION, bot=bot)) == (404, "unknown_bot")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_question_is_posted(shop: Tenant, method: str) -> None:
    assert refused(shop.http.request(method, "/api/chat")) == (405, "method_not_allowed")


def said_to(shop: Tenant) -> list[str]:
    said = Message.objects.filter(conversation__bot=shop.bot, role=Message.Role.VISITOR)
    return list(said.values_list("text", flat=True))


def nothing_was_said(shop: Tenant) -> None:
    assert not Conversation.objects.for_client(shop.client).exists()
