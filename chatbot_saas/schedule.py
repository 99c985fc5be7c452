"""What happens by the clock. Each task looks for work; that it runs twice or late does no harm."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab


def schedule(*, sweep_seconds: int) -> dict[str, dict[str, Any]]:
    """Names of tasks and their times, as Celery's scheduler wants them; seconds, or UTC."""
    return {
        "sweep-ingestions": _each("knowledge.tasks.sweep", float(sweep_seconds)),
        "sweep-answers": _each("chat.tasks.end_abandoned_answers", 300.0),
        "sweep-outbox": _each("accounts.tasks.send_waiting_mails", 60.0),
        "sweep-exports": _each("chatbot_saas.tasks.sweep_exports", 60.0),
        "delete-due-clients": _each("chatbot_saas.tasks.delete_due_clients", 300.0),
        "retention": _each("chat.tasks.delete_old_conversations", crontab(hour=3, minute=17)),
    }


def _each(task: str, when: float | crontab) -> dict[str, Any]:
    return {"task": task, "schedule": when}
