"""What happens by the clock: nothing forgotten, and nothing that no worker knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from celery.schedules import crontab
from django.conf import settings

from chatbot_saas.celery import app

EXPECTED = {
    "sweep-ingestions": "knowledge.tasks.sweep",
    "check-indexes": "knowledge.tasks.check_all_indexes",
    "sweep-orphans": "knowledge.tasks.sweep_orphans",
    "sweep-websites": "knowledge.crawl.tasks.sweep_websites",
    "check-websites": "knowledge.crawl.tasks.check_due_websites",
    "sweep-answers": "chat.tasks.end_abandoned_answers",
    "sweep-outbox": "accounts.tasks.send_waiting_mails",
    "sweep-exports": "chatbot_saas.tasks.sweep_exports",
    "delete-due-clients": "chatbot_saas.tasks.delete_due_clients",
    "sweep-billing": "billing.tasks.sweep_requests",
    "billing-clocks": "billing.tasks.look_at_clocks",
    "billing-everything": "billing.tasks.look_at_everything",
    "billing-overage": "billing.tasks.report_overage",
    "billing-revenue": "billing.tasks.note_revenue",
    "retention": "chat.tasks.delete_old_conversations",
}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The tasks that a worker finds when it starts."""
    app.loader.import_default_modules()
    return set(app.tasks)


def test_a_worker_knows_every_task_that_is_scheduled(known: set[str]) -> None:
    entries = settings.CELERY_BEAT_SCHEDULE.items()
    assert not {name for name, entry in entries if entry["task"] not in known}


@pytest.mark.parametrize(("name", "task"), EXPECTED.items())
def test_it_is_scheduled(name: str, task: str) -> None:
    assert settings.CELERY_BEAT_SCHEDULE[name]["task"] == task


def test_old_conversations_are_deleted_once_every_night() -> None:
    when = settings.CELERY_BEAT_SCHEDULE["retention"]["schedule"]
    assert isinstance(when, crontab)
    assert (len(when.minute), len(when.hour)) == (1, 1)
    assert when.hour <= set(range(6))
    every = crontab()
    for part in ("day_of_week", "day_of_month", "month_of_year"):
        assert getattr(when, part) == getattr(every, part)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_an_outage_left_undone_does_not_pile_up(name: str) -> None:
    entry = settings.CELERY_BEAT_SCHEDULE[name]
    # The clocks of two machines may differ by a minute.
    assert 0 < entry["options"]["expires"] <= max(shortest_pause(entry["schedule"]), 60)


def shortest_pause(when: float | crontab) -> float:
    if not isinstance(when, crontab):
        return when
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = [
        start + timedelta(days=day, hours=hour, minutes=minute)
        for day in range(2)
        for hour in sorted(when.hour)
        for minute in sorted(when.minute)
    ]
    return min((b - a).total_seconds() for a, b in pairwise(times))
