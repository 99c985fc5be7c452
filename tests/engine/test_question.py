"""Questions that lean on the ones before, and what a question is about."""

from __future__ import annotations

from functools import partial

import pytest

from chat.engine.prompt import Said
from chat.engine.question import standalone
from knowledge.engine.terms import terms

words = partial(terms, language="english")
BEFORE = "How long does delivery to Germany take?"
HISTORY = [
    Said("visitor", "Do you sell boots?"),
    Said("bot", "Yes, in all sizes [1]."),
    Said("visitor", BEFORE),
    Said("bot", "Three days [1]."),
]


def asked(question: str, history: list[Said] = HISTORY) -> str:
    return standalone(question, history, words, "english")


@pytest.mark.parametrize(
    "question",
    [
        "And to France?",
        "What about Spain?",
        "Why?",
        "Spain?",
        "How much does it cost?",
        "is that free",
        "Are they insured on the way?",
        "And?",
    ],
)
def test_a_question_that_leans_on_the_one_before_gets_it_in_front(question: str) -> None:
    assert asked(question) == f"{BEFORE}\n{question}"


@pytest.mark.parametrize(
    "question",
    [
        "Which payment methods do you accept?",
        "Where can I find the warranty terms for leather boots?",
        "Do you repair shoes from other makers?",
    ],
)
def test_a_question_that_stands_alone_stays_alone(question: str) -> None:
    assert asked(question) == question


def test_the_first_question_stands_alone_whatever_it_says() -> None:
    assert asked("And what about it?", []) == "And what about it?"


def test_only_the_visitors_own_words_are_leant_on() -> None:
    assert asked("Why?", [Said("bot", "Hello! How can I help you?")]) == "Why?"
    assert asked("Why?", [*HISTORY, Said("bot", "Anything else?")]).startswith(BEFORE)
