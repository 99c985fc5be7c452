"""The demo's bot without a model: a floor under its quality (docs/decisions/refusing.md)."""

from __future__ import annotations

import pytest

from chatbot_saas.demo.seed import seed
from knowledge.models import KnowledgeBase, Source
from tests.house import House
from tests.questions import tally
from tests.services.waiting import wait_until


@pytest.fixture(scope="module")
def help_centre(house: House) -> KnowledgeBase:
    made = seed()
    sources = Source.objects.filter(knowledge_base__client__public_id=made.client_id)
    wait_until(lambda: not sources.unfinished().exists(), 120)
    return KnowledgeBase.objects.serving(made.bot_id).get()


def test_most_questions_are_answered_and_few_that_have_no_answer(
    help_centre: KnowledgeBase,
) -> None:
    counts = tally(help_centre)
    assert counts["answerable", "right"] >= 38  # of 60
    assert counts["answerable", "wrong"] <= 9
    assert counts["follow_up", "right"] >= 7  # of 10
    assert counts["near_miss", "wrong"] <= 3  # of 25
    assert counts["off_topic", "wrong"] == 0  # of 20
