"""An answer from a model's words: shown, checked, refused or broken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import pairwise

import pytest

from chat.engine.answer import REFUSAL, answer
from chat.engine.events import Citations, Delta, Done, Event, Usage
from chat.engine.llm import Finish, ModelBroken, ModelSilent
from chat.engine.passages import Passage
from chat.engine.prompt import Manners, Said
from knowledge.engine.terms import terms

PASSAGES = [
    Passage("src_1", "Delivery", "", "Delivery", "Parcels take three days.", 0, 1.2),
    Passage("src_2", "Returns", "", "Returns", "You may return goods for 60 days.", 0, 1.0),
]
USAGE = Usage(40, 7)


class Speaker:
    """A model that says these pieces; an exception among them is raised there."""

    name = "speaker"

    def __init__(self, *pieces: str | Exception, reason: str = "stop") -> None:
        self.pieces = pieces
        self.reason = reason
        self.heard: Sequence[dict[str, str]] = ()

    async def stream(self, messages: Sequence[dict[str, str]]) -> AsyncIterator[str | Finish]:
        self.heard = messages
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece
        yield Finish(self.reason, USAGE)


async def heard(speaker: Speaker) -> list[Event]:
    spoken = answer(
        "How long does it take?",
        PASSAGES,
        history=[Said("visitor", "Hello"), Said("bot", "Hi [1].")],
        manners=Manners("Shop", "Helper"),
        model=speaker,
        words=partial(terms, language="english"),
    )
    return [event async for event in spoken]


def events_of(*pieces: str | Exception, reason: str = "stop") -> list[Event]:
    return asyncio.run(heard(Speaker(*pieces, reason=reason)))


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def test_the_words_come_as_they_are_said_then_citations_then_the_end() -> None:
    events = events_of("Three", " days", " [1]", ".")
    assert [type(event) for event in events] == [Delta, Delta, Delta, Citations, Done]
    assert text_of(events) == "Three days [1]."
    assert events[-1] == Done(True, "stop", USAGE)


def test_a_citation_belongs_to_the_mark_that_the_visitor_sees() -> None:
    events = events_of("Goods may come back for 60 days [2].")
    assert text_of(events) == "Goods may come back for 60 days [1]."
    (citations,) = (event for event in events if isinstance(event, Citations))
    assert [(one.number, one.source_id) for one in citations.citations] == [(1, "src_2")]


def test_an_invented_number_leaves_neither_mark_nor_citation() -> None:
    events = events_of("Three days [7].")
    assert text_of(events) == "Three days."
    assert Citations([]) in events


def test_the_model_hears_the_passages_the_turns_before_and_the_question() -> None:
    speaker = Speaker("Three days [1].")
    asyncio.run(heard(speaker))
    roles = [message["role"] for message in speaker.heard]
    assert roles == ["system", "user", "assistant", "user"]
    assert "[2] Returns" in speaker.heard[0]["content"]
    assert speaker.heard[2]["content"] == "Hi."


@pytest.mark.parametrize(
    "said",
    [
        "NO_ANSWER I do not know that.",
        "NO_ANSWER: I do not know that.",
        "**NO_ANSWER** I do not know that.",
        "\n `NO_ANSWER`.\n\nI do not know that.",
        '"NO_ANSWER" I do not know that.',
        "NO_ANSWER I do not know that. [1]",
    ],
)
def test_a_refusal_is_recognised_however_it_is_cut_and_its_mark_never_shown(said: str) -> None:
    for seed in range(50):
        chance = random.Random(seed)
        ends = [0, *sorted(chance.choices(range(len(said) + 1), k=6)), len(said)]
        events = events_of(*(said[start:end] for start, end in pairwise(ends)))
        assert text_of(events) == "I do not know that."
        assert events[-1] == Done(False, "stop", USAGE)


def test_a_refusal_cites_nothing() -> None:
    events = events_of("NO_ANSWER The documents [1] do not say so [2].")
    assert text_of(events) == "The documents do not say so."
    assert not any(isinstance(event, Citations) for event in events)


@pytest.mark.parametrize("said", ["NO_ANSWER", "NO_ANSWER.", "**NO_ANSWER**", "NO_ANSWER\n"])
def test_a_refusal_without_words_gets_ours(said: str) -> None:
    events = events_of(*said)
    assert text_of(events) == REFUSAL
    assert events[-1] == Done(False, "stop", USAGE)


@pytest.mark.parametrize(
    "said",
    [
        "NO",
        "No, you cannot.",
        "NO_A is the part number [1].",
        "Not at all.",
        "N",
        "**Note:** it takes three days.",
        '"Nine to five" is what the sign says.',
        "   leading spaces stay",
    ],
)
def test_what_only_begins_like_a_refusal_is_an_answer(said: str) -> None:
    for pieces in ([said], list(said)):
        events = events_of(*pieces)
        assert text_of(events) == said
        assert isinstance(events[-1], Done)
        assert events[-1].answered


@pytest.mark.parametrize("pieces", [[], [""], ["  ", "\n"], [" [9]"]])
def test_an_empty_answer_is_a_broken_model(pieces: list[str]) -> None:
    with pytest.raises(ModelBroken, match="empty"):
        events_of(*pieces)


def test_an_answer_that_was_cut_short_says_why() -> None:
    events = events_of("Three da", reason="length")
    assert events[-1] == Done(True, "length", USAGE)


def test_what_is_held_back_at_the_end_is_still_shown() -> None:
    assert text_of(events_of("See the list [a", "nd more")) == "See the list [and more"
    assert text_of(events_of("It ends with [1")) == "It ends with [1"


def test_the_models_trouble_is_passed_on_after_what_was_said() -> None:
    got: list[Event] = []

    async def listen() -> None:
        speaker = Speaker("Three", " days", ModelSilent("silent"))
        manners, words = Manners("Shop", "Helper"), partial(terms, language="english")
        spoken = answer("Why?", PASSAGES, history=[], manners=manners, model=speaker, words=words)
        async for event in spoken:
            got.append(event)

    with pytest.raises(ModelSilent):
        asyncio.run(listen())
    assert text_of(got) == "Three days"
