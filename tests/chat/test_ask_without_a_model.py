"""POST /api/chat answered by quotation, also after deletions and without Chroma."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from chat.models import Message
from tests.house import House, Tenant, cited_text
from tests.services.waiting import wait_until

QUESTION = "How many days do I have to return unworn goods?"
UNANSWERABLE = "What does quantum physics say about entanglement?"
ABOUT_DOGS = "Are dogs welcome on the car park?"
PARKING = "# Parking\n\nDogs are welcome on the car park behind the building.\n"
# Beyond Chroma's time-out, for a machine that is busy with other things.
SLACK_SECONDS = 5.0


def test_an_answer_quotes_a_document_word_for_word(taught: Tenant) -> None:
    answer = taught.visitor().ask(QUESTION).json()
    assert answer["answered"] is True
    assert "You may return unworn goods within 60 days of delivery. [1]" in answer["answer"]
    [cited] = answer["citations"]
    assert cited["title"] == "Returns"
    assert cited_text(cited) == cited["quote"]
    assert "within 60 days" in cited["quote"]
    assert answer["usage"]["total_tokens"] == 0


def test_a_quotation_streams_in_the_same_events(taught: Tenant) -> None:
    events = taught.visitor().stream(QUESTION)
    names = [name for name, _ in events]
    assert [names[0], *names[-2:]] == ["start", "citations", "done"]
    assert set(names[1:-2]) == {"delta"}
    text = "".join(data["text"] for name, data in events if name == "delta")
    assert "within 60 days" in text
    assert events[-1][1]["answered"] is True


def test_what_no_document_says_is_refused(taught: Tenant) -> None:
    visitor = taught.visitor()
    answer = visitor.ask(UNANSWERABLE).json()
    assert (answer["answered"], answer["citations"]) == (False, [])
    assert answer["answer"].startswith("I could not find an answer")
    names = [name for name, _ in visitor.stream(UNANSWERABLE)]
    assert names == ["start", "delta", "done"]


def test_refused_questions_can_be_found_later(taught: Tenant) -> None:
    taught.visitor().ask(UNANSWERABLE)
    [kept] = Message.objects.filter(conversation__bot=taught.bot, role=Message.Role.BOT)
    assert (kept.state, kept.answered, kept.model) == ("done", False, "")


def test_an_empty_bot_refuses(shop: Tenant) -> None:
    answer = shop.visitor().ask(QUESTION).json()
    assert (answer["answered"], answer["citations"]) == (False, [])


# --- Deleted documents ----------------------------------------------------------------------


def test_a_deleted_document_is_never_quoted_again(shop: Tenant) -> None:
    document = shop.learn("parking.md", PARKING)
    visitor = shop.visitor()
    first = visitor.ask(ABOUT_DOGS).json()
    assert first["citations"][0]["source_id"] == document["id"]
    delete(shop, document["id"])
    for conversation in (first["conversation"], None):
        again = visitor.ask(ABOUT_DOGS, conversation=conversation).json()
        assert (again["answered"], again["citations"]) == (False, [])
        assert "welcome" not in again["answer"]


def test_a_deleted_document_never_reaches_the_model_again(talking: Tenant, house: House) -> None:
    document = talking.learn("parking.md", PARKING)
    visitor = talking.visitor()
    first = visitor.ask(ABOUT_DOGS).json()
    assert "Dogs are welcome" in system_prompt(house)
    delete(talking, document["id"])
    visitor.ask(ABOUT_DOGS, conversation=first["conversation"])
    assert "Dogs are welcome" not in system_prompt(house)


def test_an_old_answer_names_its_document_and_quotes_it_no_more(shop: Tenant) -> None:
    document = shop.learn("parking.md", PARKING)
    visitor = shop.visitor()
    answer = visitor.ask(ABOUT_DOGS).json()
    delete(shop, document["id"])
    back = shop.session(visitor=visitor.name, conversation=answer["conversation"]).json()
    [cited] = back["conversation"]["messages"][1]["citations"]
    [before] = answer["citations"]
    assert cited == before | {"quote": "This source is no longer available."}


# --- Without Chroma -------------------------------------------------------------------------


def test_answers_come_while_chroma_hangs(taught: Tenant, house: House) -> None:
    visitor = taught.visitor()
    with house.chroma.paused():
        began = time.monotonic()
        assert_answered(visitor.ask(QUESTION).json())
        assert time.monotonic() - began < settings.CHROMA_TIMEOUT + SLACK_SECONDS
    assert_vectors_work(taught)


def test_answers_come_while_chroma_is_dead(taught: Tenant, house: House) -> None:
    visitor = taught.visitor()
    with dead_chroma(house):
        assert_answered(visitor.ask(QUESTION).json())
        names = [name for name, _ in visitor.stream(QUESTION)]
        assert names[-2:] == ["citations", "done"]
        assert house.http.get("/readyz").json()["chroma"] == "down"
    assert_vectors_work(taught)
    assert_answered(visitor.ask(QUESTION).json())


def test_refusals_stay_refusals_without_chroma(taught: Tenant, house: House) -> None:
    with dead_chroma(house):
        assert taught.visitor().ask(UNANSWERABLE).json()["answered"] is False


@contextmanager
def dead_chroma(house: House) -> Iterator[None]:
    """Killed for the length of a block, on the same data afterwards."""
    house.chroma.kill()
    try:
        yield
    finally:
        house.chroma.start()


def assert_answered(answer: dict[str, Any]) -> None:
    assert answer["answered"] is True
    assert "within 60 days" in answer["answer"]
    assert answer["citations"][0]["title"] == "Returns"


def assert_vectors_work(tenant: Tenant) -> None:
    """Found by meaning alone: the question shares no word with the passage."""
    tenant.learn("parking.md", PARKING)
    # After it hung, searches leave Chroma alone for a moment.
    wait_until(lambda: [hit["title"] for hit in tenant.search("canine", k=1)] == ["Parking"], 15)


def delete(tenant: Tenant, document: str) -> None:
    deleted = tenant.http.delete(f"/api/documents/{document}", headers=tenant.bearer)
    assert deleted.status_code == 204


def system_prompt(house: House) -> str:
    return str(house.fake.requests[-1].body["messages"][0]["content"])
