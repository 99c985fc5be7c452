"""An answer is one of the client's month, as long as somebody got it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import quota
from billing.models import Kind, UsageCounter, UsageDay
from billing.plans import STANDARD
from chat.conversation import cost_of
from chat.engine.events import Usage
from chat.models import Message
from chat.tasks import end_abandoned_answers
from tests.chat.test_leaving import listen_and_leave, stopped
from tests.chat.test_model_failures import FAILURES, QUESTION, Failure
from tests.fakes.openai_server import words
from tests.house import House, Tenant, refused
from tests.services.waiting import wait_until


def used(tenant: Tenant, kind: Kind = Kind.ANSWERS) -> int:
    counter = UsageCounter.objects.filter(client=tenant.client, kind=kind).first()
    return counter.used if counter else 0


def used_today(tenant: Tenant) -> int:
    day = UsageDay.objects.filter(client=tenant.client, kind=Kind.ANSWERS).first()
    return day.used if day else 0


def test_an_answer_by_quotation_is_one(taught: Tenant) -> None:
    taught.chat(QUESTION)
    taught.visitor().ask(QUESTION)
    assert (used(taught), used_today(taught)) == (2, 2)


def test_a_refusal_for_lack_of_sources_is_an_answer_too(taught: Tenant) -> None:
    assert not taught.chat("Who invented quantum physics?").json()["answered"]
    assert used(taught) == 1


def test_the_tokens_of_a_model_are_counted_at_its_prices(talking: Tenant, house: House) -> None:
    house.fake.answer("Sixty days [1].")
    answer = talking.chat(QUESTION).json()
    usage = Usage(answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"])
    assert usage.prompt_tokens > 0
    wait_until(lambda: used(talking, Kind.MODEL_COST) == cost_of(usage), 10)
    assert cost_of(Usage(1_000_000, 1_000_000)) == 750_000  # $0.15 and $0.60


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failed_answer_costs_nothing(talking: Tenant, house: House, failure: Failure) -> None:
    house.fake.always(failure.reply)
    assert talking.chat(QUESTION).status_code == failure.status
    wait_until(lambda: used(talking) == 0, 10)
    assert used_today(talking) == 0


def test_who_leaves_before_the_first_word_costs_nothing(talking: Tenant, house: House) -> None:
    house.fake.hang()
    leave_at_once(talking)
    stopped(talking, 1)
    wait_until(lambda: used(talking) == 0, 10)


def leave_at_once(tenant: Tenant) -> None:
    """Close the connection as soon as the answer has begun."""
    with tenant.visitor().open_stream(QUESTION) as response:
        next(response.iter_lines())


def test_who_leaves_in_the_middle_got_something(talking: Tenant, house: House) -> None:
    house.fake.answer(words(40), tokens_per_second=20)
    listen_and_leave(talking.visitor(), deltas=3)
    stopped(talking, 1)
    assert used(talking) == 1
    assert used(talking, Kind.MODEL_COST) > 0, "hanging up does not get around the cap"


def test_an_answer_whose_process_died_costs_nothing(taught: Tenant) -> None:
    taught.chat(QUESTION)
    said = Message.objects.filter(conversation__bot=taught.bot, role=Message.Role.BOT)
    hour_ago = timezone.now() - timedelta(hours=1)
    said.update(state=Message.State.STREAMING)
    day = said.get().created_at
    said.update(created_at=min(day, hour_ago))
    for _ in range(2):
        end_abandoned_answers()
    assert used(taught) == 0
    assert said.get().state == Message.State.FAILED


def test_when_the_cap_on_cost_is_reached_nobody_asks_the_model(
    talking: Tenant, house: House
) -> None:
    cap = STANDARD.limits.model_cost_cents * quota.MICRODOLLARS_PER_CENT
    quota.add(talking.client, Kind.MODEL_COST, cap)
    asked = len(house.fake.requests)
    assert refused(talking.chat(QUESTION)) == (402, "quota_exceeded")
    assert len(house.fake.requests) == asked
    assert used(talking) == 0
