"""What was deleted or replaced is gone from all answers, also within a running conversation."""

from __future__ import annotations

import json

import httpx

from chat.history import WITHDRAWN
from chat.models import Conversation, Message
from chat.widget import NO_MORE
from tests.chat.conftest import RETURNS
from tests.house import House, Tenant, Visitor

QUESTION = "How many days do I have to return unworn goods?"
AGAIN = "How many days was that for unworn goods?"
SECRET = "within 60 days"
HOURS = "# Hours\n\nThe shop closes at six."


class Talk:
    """A visitor's running conversation, and the document it is about."""

    def __init__(self, tenant: Tenant, document: str) -> None:
        self.tenant = tenant
        self.document = document
        self.visitor: Visitor = tenant.visitor()
        self.conversation: str | None = None

    def ask(self, question: str) -> dict:
        body = {"conversation": self.conversation} if self.conversation else {}
        answer = self.visitor.ask(question, **body).json()
        self.conversation = answer["conversation"]
        return dict(answer)

    def delete(self) -> None:
        address = f"/api/documents/{self.document}"
        assert self.tenant.http.delete(address, headers=self.tenant.bearer).status_code == 204

    def replace(self, text: str) -> None:
        address = f"/api/documents/{self.document}"
        files = {"file": ("returns.md", text.encode())}
        answer: httpx.Response = self.tenant.http.put(
            address, files=files, headers=self.tenant.bearer
        )
        assert answer.status_code == 202
        assert self.tenant.finished(self.document)["error"] == ""


def talk(tenant: Tenant) -> Talk:
    tenant.learn("hours.md", HOURS)
    return Talk(tenant, tenant.learn("returns.md", RETURNS)["id"])


def told_to_the_model(house: House) -> str:
    return json.dumps(house.fake.requests[-1].body, ensure_ascii=False)


def test_a_deleted_document_is_gone_from_a_running_conversation(
    speaking: Tenant, house: House
) -> None:
    running = talk(speaking)
    house.fake.answer(f"You may return them {SECRET} [1].")
    running.ask(QUESTION)
    house.fake.answer("So as I said.")
    running.ask(AGAIN)
    assert SECRET in told_to_the_model(house)  # as long as it is there, the model is reminded
    running.delete()
    house.fake.answer("NO_ANSWER I do not know.")
    answer = running.ask(AGAIN)
    assert SECRET not in told_to_the_model(house)
    assert WITHDRAWN in told_to_the_model(house)
    assert QUESTION in told_to_the_model(house)  # what the visitor said is the visitor's
    assert (answer["answered"], answer["citations"]) == (False, [])


def test_also_where_an_answer_did_not_cite_it(speaking: Tenant, house: House) -> None:
    running = talk(speaking)
    house.fake.answer(f"You may return them {SECRET}.")
    running.ask(QUESTION)
    running.delete()
    running.ask(AGAIN)
    assert SECRET not in told_to_the_model(house)


def test_also_what_a_later_answer_took_from_an_earlier_one(speaking: Tenant, house: House) -> None:
    """Its own passages may be of another document: what it was reminded of counts as well."""
    running = talk(speaking)
    house.fake.answer(f"You may return them {SECRET} [1].")
    running.ask(QUESTION)
    Message.objects.filter(conversation__bot=speaking.bot, role="bot").update(
        drawn_from={running.document: 1}
    )
    house.fake.answer(f"We close at six, and take goods back {SECRET}.")
    running.ask("When does the shop close?")
    later = Message.objects.filter(conversation__bot=speaking.bot, role="bot").latest("pk")
    assert later.drawn_from[running.document] == 1
    running.delete()
    running.ask(AGAIN)
    assert SECRET not in told_to_the_model(house)


def test_a_replaced_text_is_gone_and_the_new_one_is_there(speaking: Tenant, house: House) -> None:
    running = talk(speaking)
    house.fake.answer(f"You may return them {SECRET} [1].")
    running.ask(QUESTION)
    running.replace(RETURNS.replace("60", "30"))
    running.ask(AGAIN)
    assert SECRET not in told_to_the_model(house)
    assert "within 30 days" in told_to_the_model(house)


def test_another_documents_end_withdraws_nothing(speaking: Tenant, house: House) -> None:
    running = talk(speaking)
    house.fake.answer(f"You may return them {SECRET} [1].")
    running.ask(QUESTION)
    other = speaking.learn("parking.md", "# Parking\n\nParking is free.")["id"]
    speaking.http.delete(f"/api/documents/{other}", headers=speaking.bearer)
    running.ask(AGAIN)
    assert WITHDRAWN not in told_to_the_model(house)


def test_quotations_of_a_deleted_document_come_back_no_more(shop: Tenant) -> None:
    running = talk(shop)
    assert SECRET in running.ask(QUESTION)["answer"]
    running.delete()
    answer = running.ask(QUESTION)
    assert SECRET not in json.dumps(answer)
    assert answer["answered"] is False


def test_what_is_shown_of_the_conversation_says_what_is_gone(shop: Tenant) -> None:
    running = talk(shop)
    running.ask(QUESTION)
    name = Conversation.objects.get(bot=shop.bot).public_id

    def resumed() -> dict:
        opened = shop.session(visitor=running.visitor.name, conversation=name).json()
        return dict(opened["conversation"]["messages"][1]["citations"][0])

    with shop.dashboard() as browser:
        assert SECRET in resumed()["quote"]
        page = browser.get(f"/app/conversations/{name}/").text
        assert f"/app/knowledge/{running.document}/?at=" in page
        running.delete()
        assert resumed()["quote"] == NO_MORE
        page = browser.get(f"/app/conversations/{name}/").text
        assert f"/app/knowledge/{running.document}/" not in page
        assert "deleted or replaced since" in page
