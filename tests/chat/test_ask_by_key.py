"""POST /api/chat by a client's own program, with an API key instead of a visitor's token."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey
from chat.models import Conversation
from tests.house import House, Tenant, events_of, refused

QUESTION = "How many days do I have to return unworn goods?"
UNKNOWN_BOT = (404, "unknown_bot")
UNKNOWN_CONVERSATION = (404, "unknown_conversation")
INVALID_KEY = (401, "invalid_key")


def test_a_program_asks_without_an_origin(taught: Tenant) -> None:
    answer = taught.chat(QUESTION).json()
    assert answer["answered"]
    assert "within 60 days" in answer["answer"]
    assert answer["citations"]
    assert Conversation.objects.get(bot=taught.bot).visitor == ""


def test_a_program_reads_a_stream(taught: Tenant) -> None:
    asked = {"bot": taught.bot.public_id, "message": QUESTION}
    headers = taught.bearer | {"Accept": "text/event-stream"}
    with taught.http.stream("POST", "/api/chat", json=asked, headers=headers) as response:
        events = list(events_of(response.iter_lines()))
    assert [events[0][0], events[-1][0]] == ["start", "done"]
    assert events[-1][1]["token"] is None


def test_a_program_goes_on_with_its_own_conversation(talking: Tenant, house: House) -> None:
    first = talking.chat(QUESTION).json()
    second = talking.chat(QUESTION, conversation=first["conversation"]).json()
    assert second["conversation"] == first["conversation"]
    roles = [said["role"] for said in house.fake.requests[-1].body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_programs_and_visitors_keep_their_conversations_apart(taught: Tenant) -> None:
    visitor = taught.visitor()
    visitors = visitor.ask(QUESTION).json()["conversation"]
    programs = taught.chat(QUESTION).json()["conversation"]
    assert refused(taught.chat(QUESTION, conversation=visitors)) == UNKNOWN_CONVERSATION
    assert refused(visitor.ask(QUESTION, conversation=programs)) == UNKNOWN_CONVERSATION


def test_another_clients_bot_is_404(taught: Tenant, rival: Tenant) -> None:
    assert refused(rival.chat(QUESTION, bot=taught.bot.public_id)) == UNKNOWN_BOT
    conversation = taught.chat(QUESTION).json()["conversation"]
    assert refused(rival.chat(QUESTION, conversation=conversation)) == UNKNOWN_CONVERSATION


def test_a_key_needs_the_chat_scope(shop: Tenant) -> None:
    _, reader = keys.make(shop.client, "Reader", scopes=["read", "write"])
    assert refused(shop.chat(QUESTION, key=reader)) == (403, "missing_scope")
    _, chatter = keys.make(shop.client, "Chatter", scopes=["chat"])
    assert shop.chat(QUESTION, key=chatter).status_code == 200


@pytest.mark.parametrize("key", ["sk_live_wrong", "x", "sk_live_" + "é" * 40])
def test_an_unknown_key_is_refused(shop: Tenant, key: str) -> None:
    response = shop.visitor().post(
        {"bot": shop.bot.public_id, "message": QUESTION}, Authorization=f"Bearer {key}"
    )
    assert refused(response) == INVALID_KEY


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_key_that_has_ended_is_refused(shop: Tenant, ended: str) -> None:
    assert shop.chat(QUESTION).status_code == 200
    ApiKey.objects.filter(client=shop.client).update(
        **{ended: timezone.now() - timedelta(seconds=1)}
    )
    assert refused(shop.chat(QUESTION)) == INVALID_KEY


def test_a_key_works_until_its_time(shop: Tenant) -> None:
    in_an_hour = timezone.now() + timedelta(hours=1)
    ApiKey.objects.filter(client=shop.client).update(expires_at=in_an_hour)
    assert shop.chat(QUESTION).status_code == 200


def test_an_inactive_clients_program_gets_no_answer(shop: Tenant) -> None:
    shop.client.is_active = False
    shop.client.save(update_fields=["is_active"])
    assert refused(shop.chat(QUESTION)) == (402, "subscription_inactive")
