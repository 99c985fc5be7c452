"""POST /api/chat answered by the fake model: stream and JSON, citations, follow-ups, privacy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chat.models import Bot, Citation, Conversation, Message
from tests.fakes.openai_server import Answer
from tests.house import House, Tenant, cited_text, refused
from tests.services.django import Web

QUESTION = "How many days do I have to return unworn goods?"
ANSWER_KEYS = {
    "conversation",
    "message_id",
    "answer",
    "answered",
    "citations",
    "usage",
    "suggestions",
}
DONE_KEYS = {"answered", "finish_reason", "usage", "token", "audio_url", "suggestions"}
CITATION_KEYS = {"number", "source_id", "title", "url", "quote", "start", "end"}
USAGE_KEYS = {"prompt_tokens", "completion_tokens", "total_tokens"}
UNKNOWN = (404, "unknown_conversation")
HOURS = "# Opening hours\n\nThe shop opens at nine and closes at six.\n"

Events = list[tuple[str, Any]]


# --- The stream -----------------------------------------------------------------------------


def test_an_answer_streams_event_by_event(talking: Tenant, house: House) -> None:
    house.fake.answer("You have 60 days [1].")
    events = talking.visitor().stream(QUESTION)
    names = [name for name, _ in events]
    deltas = names.count("delta")
    assert deltas > 1
    assert names == ["start", *["delta"] * deltas, "citations", "done"]
    assert set(events[0][1]) == {"conversation", "message_id"}
    assert text_of(events) == "You have 60 days [1]."
    [cited] = events[-2][1]
    assert set(cited) == CITATION_KEYS


def test_the_last_event_tells_how_it_ended(talking: Tenant, house: House) -> None:
    house.fake.answer("You have 60 days [1].", finish_reason="length")
    _, done = talking.visitor().stream(QUESTION)[-1]
    assert set(done) == DONE_KEYS
    assert done["answered"] is True
    assert done["finish_reason"] == "length"
    assert set(done["usage"]) == USAGE_KEYS
    assert done["usage"]["completion_tokens"] == 8
    assert done["usage"]["total_tokens"] == done["usage"]["prompt_tokens"] + 8
    assert done["token"]
    assert (done["audio_url"], done["suggestions"]) == (None, [])


def test_a_stream_is_neither_cached_nor_held_back(talking: Tenant) -> None:
    with talking.visitor().open_stream(QUESTION) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"


def test_words_arrive_while_the_model_still_speaks(talking: Tenant, house: House) -> None:
    house.fake.hang_after(3, "One two three four five [1].")
    with talking.visitor().open_stream(QUESTION) as response:
        lines = response.iter_lines()
        assert any('"text":" three"' in line for line in lines)
        house.fake.release()
        assert any(line == "event: done" for line in lines)


@pytest.mark.parametrize("fragment", [1, 7])
def test_a_stream_may_be_cut_anywhere(talking: Tenant, house: House, fragment: int) -> None:
    text = "Größe “M” – 60 日 😀 [1]."
    house.fake.reply(Answer(text, fragment=fragment))
    events = talking.visitor().stream(QUESTION)
    assert text_of(events) == text
    assert names_of(events)[-1] == "done"


# --- JSON -----------------------------------------------------------------------------------


def test_an_answer_may_come_whole(talking: Tenant, house: House) -> None:
    house.fake.answer("You have 60 days [1].")
    response = talking.visitor().ask(QUESTION)
    assert response.headers["Content-Type"] == "application/json"
    answer = response.json()
    assert set(answer) == ANSWER_KEYS
    assert answer["answer"] == "You have 60 days [1]."
    assert answer["answered"] is True
    assert set(answer["citations"][0]) == CITATION_KEYS
    assert set(answer["usage"]) == USAGE_KEYS
    assert answer["suggestions"] == []


def test_both_forms_say_the_same(talking: Tenant, house: House) -> None:
    house.fake.answer("You have 60 days [1].", times=2)
    visitor = talking.visitor()
    events, whole = visitor.stream(QUESTION), visitor.ask(QUESTION).json()
    assert text_of(events) == whole["answer"]
    assert citations_of(events) == whole["citations"]
    assert events[-1][1]["usage"] == whole["usage"]


# --- Citations ------------------------------------------------------------------------------


def test_a_citation_fits_the_sources_text(talking: Tenant, house: House) -> None:
    house.fake.answer("Unworn goods may come back within 60 days [1].")
    [cited] = talking.visitor().ask(QUESTION).json()["citations"]
    assert cited["quote"] == "You may return unworn goods within 60 days of delivery."
    assert cited["title"] == "Returns"
    assert cited_text(cited) == cited["quote"]


def test_the_quotation_is_the_sentence_that_says_it(talking: Tenant, house: House) -> None:
    house.fake.answer("From Germany they are free [1]. There are 60 days for it.")
    [cited] = talking.visitor().ask(QUESTION).json()["citations"]
    assert cited["quote"] == "Returns from Germany are free."
    assert cited_text(cited) == cited["quote"]


def test_marks_are_numbered_as_the_visitor_meets_them(talking: Tenant, house: House) -> None:
    talking.learn("hours.md", HOURS)
    house.fake.answer("Open from nine [2]. 60 days to return [1], from nine [2].")
    answer = talking.visitor().ask(QUESTION).json()
    assert answer["answer"] == "Open from nine [1]. 60 days to return [2], from nine [1]."
    assert [cited["number"] for cited in answer["citations"]] == [1, 2]
    assert [cited["title"] for cited in answer["citations"]] == ["Opening hours", "Returns"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Free [7]. Within 60 days [1].", "Free. Within 60 days [1]."),
        ("Within 60 days [1, 7].", "Within 60 days [1]."),
        ("Within 60 days [7][1][0].", "Within 60 days[1]."),
        ("Within 60 days [7].", "Within 60 days."),
        ("Within 60 days [999]", "Within 60 days"),
    ],
)
def test_a_number_without_a_passage_never_reaches_the_visitor(
    talking: Tenant, house: House, said: str, shown: str
) -> None:
    house.fake.answer(said, times=2)
    visitor = talking.visitor()
    events, whole = visitor.stream(QUESTION), visitor.ask(QUESTION).json()
    assert text_of(events).replace(" [", "[") == shown.replace(" [", "[")
    assert whole["answer"] == text_of(events)
    assert {message.text for message in replies(talking)} == {text_of(events)}
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", text_of(events))}
    assert {cited["number"] for cited in whole["citations"]} == numbers <= {1}


def test_a_refusal_of_the_model_is_one(talking: Tenant, house: House) -> None:
    house.fake.answer("NO_ANSWER I do not know that.", times=2)
    visitor = talking.visitor()
    events, whole = visitor.stream("Who won the cup?"), visitor.ask("Who won the cup?").json()
    assert "NO_ANSWER" not in text_of(events)
    assert text_of(events) == whole["answer"] == "I do not know that."
    assert (whole["answered"], whole["citations"]) == (False, [])
    assert (events[-1][1]["answered"], citations_of(events)) == (False, [])
    assert [message.answered for message in replies(talking)] == [False, False]
    assert not Citation.objects.filter(message__conversation__bot=talking.bot).exists()


def test_a_bare_refusal_gets_words(talking: Tenant, house: House) -> None:
    house.fake.answer("NO_ANSWER")
    answer = talking.visitor().ask("Who won the cup?").json()
    assert answer["answered"] is False
    assert answer["answer"].startswith("I could not find an answer")


def test_a_bot_that_knows_nothing_asks_no_model(speaking: Tenant, house: House) -> None:
    answer = speaking.visitor().ask(QUESTION).json()
    assert (answer["answered"], answer["citations"]) == (False, [])
    assert house.fake.requests == []


# --- What is kept ---------------------------------------------------------------------------


def test_a_conversation_is_kept(talking: Tenant, house: House) -> None:
    house.fake.answer("You have 60 days [1].")
    visitor = talking.visitor()
    answer = visitor.ask(QUESTION, page_url="https://shop.example/boots").json()
    conversation = Conversation.objects.get(bot=talking.bot)
    assert conversation.public_id == answer["conversation"]
    assert (conversation.visitor, conversation.page_url) == (
        visitor.name,
        "https://shop.example/boots",
    )
    asked, replied = conversation.messages.all()
    assert (asked.role, asked.text, asked.state) == ("visitor", QUESTION, "done")
    assert (replied.role, replied.text, replied.state) == ("bot", answer["answer"], "done")
    assert (replied.public_id, replied.answered) == (answer["message_id"], True)
    assert (replied.model, replied.error) == ("gpt-4o-mini", "")
    assert replied.completion_tokens == answer["usage"]["completion_tokens"] > 0
    assert replied.prompt_tokens == answer["usage"]["prompt_tokens"] > 0
    assert [cited.as_json() for cited in replied.citations.all()] == answer["citations"]


def test_a_streamed_answer_is_kept_before_its_last_event(talking: Tenant, house: House) -> None:
    house.fake.answer("You have 60 days [1].")
    events = talking.visitor().stream(QUESTION)
    [kept] = replies(talking)
    assert (kept.public_id, kept.state) == (events[0][1]["message_id"], "done")
    assert kept.text == text_of(events)
    assert [cited.as_json() for cited in kept.citations.all()] == citations_of(events)


# --- Follow-ups -----------------------------------------------------------------------------


def test_a_follow_up_sees_the_turns_before(talking: Tenant, house: House) -> None:
    house.fake.answer("You have 60 days [1].")
    visitor = talking.visitor()
    first = visitor.ask(QUESTION).json()
    visitor.ask("And from Germany?", conversation=first["conversation"])
    assert said_to_the_model(house)[1:] == [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "You have 60 days."},
        {"role": "user", "content": "And from Germany?"},
    ]
    assert Conversation.objects.filter(bot=talking.bot).count() == 1


def test_a_new_conversation_knows_nothing_of_another(talking: Tenant, house: House) -> None:
    visitor = talking.visitor()
    visitor.ask(QUESTION)
    visitor.ask("Is it free from Germany?")
    assert [said["role"] for said in said_to_the_model(house)] == ["system", "user"]
    assert Conversation.objects.filter(bot=talking.bot).count() == 2


def test_a_follow_up_finds_what_the_first_question_was_about(talking: Tenant, house: House) -> None:
    talking.learn("hours.md", HOURS)
    visitor = talking.visitor()
    first = visitor.ask("When does the shop open?").json()
    visitor.ask("And when does it close?", conversation=first["conversation"])
    system = said_to_the_model(house)[0]["content"]
    assert "[1] Opening hours" in system


# --- Tenants and visitors -------------------------------------------------------------------


def test_the_model_sees_this_clients_passages_alone(talking: Tenant, house: House) -> None:
    rival = house.speaking_tenant()
    rival.learn("returns.md", "# Returns\n\nAt the rival you may return goods within 14 days.")
    talking.visitor().ask(QUESTION)
    system = said_to_the_model(house)[0]["content"]
    assert "within 60 days" in system
    assert "rival" not in system
    assert rival.client.name not in system
    rival.visitor().ask(QUESTION)
    assert "within 60 days" not in said_to_the_model(house)[0]["content"]


def test_the_owners_instructions_go_to_the_model_and_nowhere_else(
    talking: Tenant, house: House
) -> None:
    Bot.objects.filter(pk=talking.bot.pk).update(instructions="Always be very polite.")
    answer = talking.visitor().ask(QUESTION)
    assert "Always be very polite." in said_to_the_model(house)[0]["content"]
    assert "polite" not in answer.text


def test_another_visitor_cannot_go_on_with_a_conversation(talking: Tenant) -> None:
    conversation = talking.visitor().ask(QUESTION).json()["conversation"]
    stranger = talking.visitor()
    assert refused(stranger.ask("What did we say?", conversation=conversation)) == UNKNOWN
    with stranger.open_stream("What did we say?", conversation=conversation) as response:
        response.read()
        assert refused(response) == UNKNOWN
    assert len(replies(talking)) == 1


# --- Logs -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def talkative(house: House) -> Iterator[Web]:
    """A web with the fake model that logs all it can."""
    model = {"OPENAI_BASE_URL": house.fake.url, "OPENAI_API_KEY": "sk-fake"}
    with Web(house.env | model | {"LOG_LEVEL": "DEBUG"}) as web:
        yield web


def test_no_log_holds_what_was_said(talking: Tenant, house: House) -> None:
    house.fake.answer("Only zebrafish may [1].")
    ask_in_every_way(talking, "Does the quokkamobile fly?")
    house.tenant().visitor().ask("Does the quokkamobile fly?")
    for process in (house.speaking, house.web, house.worker):
        assert "quokkamobile" not in process.log_text()
        assert "zebrafish" not in process.log_text()


def test_not_even_a_talkative_log_holds_what_was_said(
    speaking: Tenant, house: House, talkative: Web
) -> None:
    speaking.learn("pets.md", "# Pets\n\nOnly zebrafish may fly in the quokkamobile.")
    with httpx.Client(base_url=talkative.url, timeout=30) as http:
        speaking.http = http
        ask_in_every_way(speaking, "Does the quokkamobile fly?")
    log = talkative.log_text()
    assert "Not Found: /api/chat" in log
    for word in ("quokkamobile", "zebrafish", "sk-fake", speaking.key):
        assert word not in log


def ask_in_every_way(tenant: Tenant, question: str) -> None:
    """Answered, streamed, failed, refused."""
    visitor = tenant.visitor()
    visitor.ask(question)
    visitor.stream(question)
    visitor.ask(question * 1000)
    visitor.ask(question, conversation="con_unknown")
    visitor.post(question.encode())
    tenant.chat(question)


def names_of(events: Events) -> list[str]:
    return [name for name, _ in events]


def text_of(events: Events) -> str:
    return "".join(data["text"] for name, data in events if name == "delta")


def citations_of(events: Events) -> list[dict[str, Any]]:
    return [cited for name, data in events if name == "citations" for cited in data]


def replies(tenant: Tenant) -> list[Message]:
    said = Message.objects.filter(conversation__bot=tenant.bot, role=Message.Role.BOT)
    return list(said.order_by("pk"))


def said_to_the_model(house: House) -> list[dict[str, str]]:
    return list(house.fake.requests[-1].body["messages"])
