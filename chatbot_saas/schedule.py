"""What happens by the clock. Each task looks for work; that it runs twice or late does no harm.

A message that is as old as its interval is dropped: there is a younger one that asks for the same,
and after an outage the workers have better things to do than hundreds of equal sweeps.
"""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

HOUR, DAY = 3600.0, 86400.0


def schedule(*, sweep_seconds: int) -> dict[str, dict[str, Any]]:
    """Names of tasks and their times, as Celery's scheduler wants them; seconds, or UTC."""
    return {
        "sweep-ingestions": _each("knowledge.tasks.sweep", float(sweep_seconds)),
        "check-indexes": _nightly("knowledge.tasks.check_all_indexes", hour=1, minute=29),
        "sweep-orphans": _nightly("knowledge.tasks.sweep_orphans", hour=4, minute=7),
        "sweep-websites": _each("knowledge.crawl.tasks.sweep_websites", float(sweep_seconds)),
        "check-websites": _each("knowledge.crawl.tasks.check_due_websites", 300.0),
        "sweep-answers": _each("chat.tasks.end_abandoned_answers", 300.0),
        "sweep-outbox": _each("accounts.tasks.send_waiting_mails", 60.0),
        "sweep-billing": _each("billing.tasks.sweep_requests", sweep_seconds * 4.0),
        "billing-clocks": _hourly("billing.tasks.look_at_clocks", minute=11),
        "billing-everything": _nightly("billing.tasks.look_at_everything", hour=2, minute=41),
        "billing-overage": _hourly("billing.tasks.report_overage", minute=23),
        "billing-revenue": _hourly("billing.tasks.note_revenue", minute=50),
        "sweep-exports": _each("chatbot_saas.tasks.sweep_exports", 60.0),
        "delete-due-clients": _each("chatbot_saas.tasks.delete_due_clients", 300.0),
        "retention": _nightly("chat.tasks.delete_old_conversations", hour=3, minute=17),
    }


def _each(task: str, seconds: float) -> dict[str, Any]:
    return _entry(task, seconds, interval=seconds)


def _hourly(task: str, *, minute: int) -> dict[str, Any]:
    return _entry(task, crontab(minute=minute), interval=HOUR)


def _nightly(task: str, *, hour: int, minute: int) -> dict[str, Any]:
    return _entry(task, crontab(hour=hour, minute=minute), interval=DAY)


def _entry(task: str, when: float | crontab, *, interval: float) -> dict[str, Any]:
    # Never sooner than two clocks may differ.
    return {"task": task, "schedule": when, "options": {"expires": max(interval, 60.0)}}
