"""A model that fails in every way: the visitor is told, the message is kept, and life goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from chat.models import Conversation, Message
from tests.fakes.openai_server import Answer, Fail, Garbage, Hang, Reply, words
from tests.house import House, Tenant, refused

QUESTION = "How many days do I have to return unworn goods?"
TEXT = words(40)


@dataclass(frozen=True)
class Failure:
    """What the model does, and what the visitor is told: code, status, and words said before."""

    reply: Reply
    code: str
    status: int
    said: str = ""


FAILURES = {
    "refuses the key": Failure(Fail(401), "model_refused_key", 502),
    "is forbidden": Failure(Fail(403), "model_refused_key", 502),
    "is busy": Failure(Fail(429, retry_after=7), "model_busy", 503),
    "is busy for an unknown time": Failure(Fail(429), "model_busy", 503),
    "is down": Failure(Fail(500), "model_unavailable", 502),
    "is not there": Failure(Fail(404), "model_broken", 502),
    "sends a web page": Failure(Garbage("html"), "model_broken", 502),
    "sends broken JSON": Failure(Garbage("json"), "model_broken", 502),
    "says nothing": Failure(Answer(""), "model_broken", 502),
    "says blanks": Failure(Answer("  \n "), "model_broken", 502, "  \n "),
    "hangs": Failure(Hang(), "model_timeout", 504),
    "hangs up": Failure(Hang(seconds=0), "model_unavailable", 502),
    "is cut off": Failure(
        Answer(TEXT, ending="drop", after=3), "model_unavailable", 502, "word word word"
    ),
    "falls silent": Failure(
        Answer(TEXT, ending="hang", after=3), "model_timeout", 504, "word word word"
    ),
    "breaks its JSON": Failure(
        Answer(TEXT, ending="garbage", after=3), "model_broken", 502, "word word word"
    ),
    "fails later": Failure(
        Answer(TEXT, ending="error", after=3), "model_broken", 502, "word word word"
    ),
}
each_failure = pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)


@each_failure
def test_a_stream_ends_with_an_error(talking: Tenant, house: House, failure: Failure) -> None:
    house.fake.always(failure.reply)
    events = talking.visitor().stream(QUESTION)
    names = [name for name, _ in events]
    assert names == ["start", *["delta"] * names.count("delta"), "error"]
    assert "".join(data["text"] for name, data in events if name == "delta") == failure.said
    error = events[-1][1]
    assert error["code"] == failure.code
    assert set(error) - {"retry_after"} == {"code", "message"}
    assert_nothing_internal(error["message"], house)
    assert_kept_as_failed(talking, failure)


@each_failure
def test_a_whole_answer_is_an_error(talking: Tenant, house: House, failure: Failure) -> None:
    house.fake.always(failure.reply)
    response = talking.visitor().ask(QUESTION)
    assert refused(response) == (failure.status, failure.code)
    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert_nothing_internal(response.text, house)
    assert_kept_as_failed(talking, failure)


@each_failure
def test_the_visitor_can_ask_again(talking: Tenant, house: House, failure: Failure) -> None:
    visitor = talking.visitor()
    house.fake.always(failure.reply)
    visitor.ask(QUESTION)
    house.fake.reset()
    house.fake.answer("You have 60 days [1].")
    conversation = Conversation.objects.get(bot=talking.bot).public_id
    answer = visitor.ask(QUESTION, conversation=conversation).json()
    assert answer["answer"] == "You have 60 days [1]."
    assert answer["citations"]
    # A half-said answer is no turn that the model should go on from.
    roles = [said["role"] for said in house.fake.requests[-1].body["messages"]]
    assert "assistant" not in roles


def test_a_busy_models_wait_is_passed_on(talking: Tenant, house: House) -> None:
    house.fake.always(Fail(429, retry_after=7))
    visitor = talking.visitor()
    assert visitor.stream(QUESTION)[-1][1]["retry_after"] == 7
    assert visitor.ask(QUESTION).headers["Retry-After"] == "7"


@pytest.mark.parametrize("reply", [Fail(500), Fail(503), Hang(seconds=0)])
def test_one_hiccup_goes_unnoticed(talking: Tenant, house: House, reply: Reply) -> None:
    house.fake.reply(reply)
    house.fake.answer("You have 60 days [1].")
    assert talking.visitor().ask(QUESTION).json()["answer"] == "You have 60 days [1]."
    assert len(house.fake.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 429])
def test_what_asking_again_cannot_mend_is_asked_once(
    talking: Tenant, house: House, status: int
) -> None:
    house.fake.fail(status)
    talking.visitor().ask(QUESTION)
    assert len(house.fake.requests) == 1


def test_a_failure_of_one_visitor_is_none_of_anothers(talking: Tenant, house: House) -> None:
    house.fake.hang_after(3)
    with talking.visitor().open_stream(QUESTION) as hanging:
        house.fake.wait_until(lambda: house.fake.open_streams == 1)
        house.fake.answer("You have 60 days [1].")
        assert talking.visitor().ask(QUESTION).json()["answered"]
        house.fake.release()
        assert any(line == "event: done" for line in hanging.iter_lines())


def test_the_log_tells_the_operator_what_happened(talking: Tenant, house: House) -> None:
    house.fake.always(Fail(401))
    message = talking.visitor().stream(QUESTION)[0][1]["message_id"]
    [line] = [line for line in house.speaking.log_text().splitlines() if message in line]
    assert "gpt-4o-mini: status 401" in line


def assert_nothing_internal(text: str, house: House) -> None:
    for secret in ("sk-fake", str(house.fake.port), "127.0.0.1", "gpt-4o", "OpenAI", "Traceback"):
        assert secret not in text
    for hint in ("The fake was told", "Error(", "Exception", "status 4", "status 5", "<html"):
        assert hint not in text


def assert_kept_as_failed(tenant: Tenant, failure: Failure) -> None:
    asked, replied = messages_of(tenant)
    assert (asked.state, asked.text) == ("done", QUESTION)
    assert (replied.state, replied.error, replied.text) == ("failed", failure.code, failure.said)
    assert replied.answered is None
    assert not replied.citations.exists()


def messages_of(tenant: Tenant) -> list[Any]:
    return list(Message.objects.filter(conversation__bot=tenant.bot).order_by("pk"))
