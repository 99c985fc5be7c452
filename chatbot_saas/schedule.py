"""What happens by the clock. Each task looks for work; that it runs twice or late does no harm."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab


def schedule(*, sweep_seconds: int) -> dict[str, dict[str, Any]]:
    """Names of tasks and their times, as Celery's scheduler wants them; seconds, or UTC."""
    return {
        "sweep-ingestions": _each("knowledge.tasks.sweep", float(sweep_seconds)),
        "check-indexes": _each("knowledge.tasks.check_all_indexes", crontab(hour=1, minute=29)),
        "sweep-orphans": _each("knowledge.tasks.sweep_orphans", crontab(hour=4, minute=7)),
        "sweep-websites": _each("knowledge.crawl.tasks.sweep_websites", float(sweep_seconds)),
        "check-websites": _each("knowledge.crawl.tasks.check_due_websites", 300.0),
        "sweep-answers": _each("chat.tasks.end_abandoned_answers", 300.0),
        "sweep-outbox": _each("accounts.tasks.send_waiting_mails", 60.0),
        "sweep-billing": _each("billing.tasks.sweep_requests", sweep_seconds * 4.0),
        "billing-clocks": _each("billing.tasks.look_at_clocks", crontab(minute=11)),
        "billing-everything": _each("billing.tasks.look_at_everything", crontab(hour=2, minute=41)),
        "billing-overage": _each("billing.tasks.report_overage", crontab(minute=23)),
        "billing-revenue": _each("billing.tasks.note_revenue", crontab(minute=50)),
        "sweep-exports": _each("chatbot_saas.tasks.sweep_exports", 60.0),
        "delete-due-clients": _each("chatbot_saas.tasks.delete_due_clients", 300.0),
        "retention": _each("chat.tasks.delete_old_conversations", crontab(hour=3, minute=17)),
    }


def _each(task: str, when: float | crontab) -> dict[str, Any]:
    return {"task": task, "schedule": when}
