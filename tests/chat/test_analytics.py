"""Figures: visitors alone, the client's own alone, and right to the day."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import now

from accounts.roles import Role
from chat import analytics
from chat.models import Citation, Conversation, Message
from tests.accounts.conftest import signed_in
from tests.everything import Everything

PAGE = "/app/analytics/"
TODAY = datetime(2026, 3, 15, tzinfo=UTC)


@pytest.fixture
def acme(db: None) -> Everything:
    world = Everything.make("acme")
    world.conversation.delete()
    return world


def asked(
    world: Everything,
    at: datetime,
    *,
    answered: bool = True,
    text: str = "Open?",
    channel: str = "widget",
    url: str = "",
) -> Message:
    conversation = Conversation.objects.create(bot=world.bot, channel=channel, page_url=url)
    Conversation.objects.filter(pk=conversation.pk).update(started_at=at)
    Message.objects.create(conversation=conversation, role="visitor", text=text)
    message = Message.objects.create(conversation=conversation, role="bot", answered=answered)
    Message.objects.filter(pk=message.pk).update(created_at=at)
    return message


def test_days_are_counted_from_midnight_and_none_is_left_out(acme: Everything) -> None:
    asked(acme, TODAY)
    asked(acme, TODAY - timedelta(seconds=1), answered=False)
    asked(acme, TODAY - timedelta(days=6))
    asked(acme, TODAY - timedelta(days=7))
    hours = analytics.by_hour(acme.client, (TODAY - timedelta(days=6)).date())
    days = analytics.days(hours, 7, TODAY.date())
    assert [(day.answered, day.unanswered) for day in days] == [
        (1, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 1), (1, 0),
    ]  # fmt: skip


def test_tries_and_other_clients_do_not_count(acme: Everything) -> None:
    other = Everything.make("rival")
    for channel in ("playground", "test"):
        asked(acme, TODAY, channel=channel)
    asked(other, TODAY)
    for channel in ("widget", "hosted", "api"):
        asked(acme, TODAY, channel=channel)
    assert analytics.totals(acme.client, 7, TODAY.date())[0].questions == 3


def test_figures_are_compared_with_the_time_before(acme: Everything) -> None:
    for number in range(3):
        asked(acme, TODAY - timedelta(days=number), answered=number > 0)
    asked(acme, TODAY - timedelta(days=8))
    asked(acme, TODAY - timedelta(days=20))
    after, before = analytics.totals(acme.client, 7, TODAY.date())
    assert (after.questions, after.answered, after.share) == (3, 2, 67)
    assert (before.questions, before.share) == (1, 100)
    assert analytics.change(after.questions, before.questions) == 200
    assert analytics.change(1, 0) is None


def test_gaps_are_questions_however_they_are_written(acme: Everything) -> None:
    for text in ("Do you rent tents?", "do you  rent tents", "DO YOU RENT TENTS?!"):
        asked(acme, TODAY, answered=False, text=text)
    asked(acme, TODAY, answered=False, text="Parking?")
    asked(acme, TODAY, text="Answered?")
    found = analytics.gaps(acme.client, TODAY.date())
    assert [(one.name, one.count) for one in found] == [("DO YOU RENT TENTS?!", 3), ("Parking?", 1)]


def test_sources_pages_and_hours(acme: Everything) -> None:
    for number, title in enumerate(("Hours", "Hours", "Prices")):
        message = asked(acme, TODAY + timedelta(hours=9), url=f"https://acme.example/{number // 2}")
        Citation.objects.create(message=message, number=1, title=title, quote="", start=0, end=0)
    since = TODAY.date()
    assert [(one.name, one.count) for one in analytics.sources(acme.client, since)] == [
        ("Hours", 2),
        ("Prices", 1),
    ]
    assert [one.count for one in analytics.pages(acme.client, since)] == [2, 1]
    assert analytics.of_the_day(analytics.by_hour(acme.client, since))[9] == 3


@pytest.mark.parametrize("days", ["7", "30", "90", "", "x", "9999999"])
def test_the_page_opens_for_every_period(acme: Everything, days: str) -> None:
    asked(acme, now())
    page = signed_in(acme, Role.VIEWER).get(PAGE, {"days": days})
    assert page.status_code == 200
    assert page.context["period"] == (int(days) if days in {"7", "30", "90"} else 30)
    assert b"<svg" in page.content


def test_without_any_question_it_says_so(acme: Everything) -> None:
    page = signed_in(acme, Role.VIEWER).get(PAGE).content.decode()
    assert "No visitor asked anything" in page
    assert "<svg" not in page


def test_the_figures_can_be_taken_away(acme: Everything) -> None:
    asked(acme, now(), answered=False)
    body = signed_in(acme, Role.VIEWER).get(f"{PAGE}csv/?days=7").getvalue().decode()
    rows = list(csv.reader(io.StringIO(body)))
    assert rows[0] == ["date", "questions", "answered", "no answer"]
    assert len(rows) == 8
    assert rows[-1][1:] == ["1", "0", "1"]


def test_the_number_of_queries_does_not_grow_with_the_questions(
    acme: Everything, django_assert_max_num_queries
) -> None:
    for number in range(60):
        asked(acme, now() - timedelta(days=number % 20), answered=number % 3 > 0)
    browser = signed_in(acme, Role.VIEWER)
    browser.get(PAGE)
    with django_assert_max_num_queries(12):
        browser.get(PAGE)
