"""What the worker does for chat."""

from __future__ import annotations

from celery import shared_task

from chat import conversation


@shared_task
def end_abandoned_answers() -> None:
    conversation.end_abandoned()
