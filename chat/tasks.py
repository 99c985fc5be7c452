"""What the worker does for chat."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from chat import conversation, retention


@shared_task
def end_abandoned_answers() -> None:
    conversation.end_abandoned()


@shared_task
def delete_old_conversations() -> None:
    retention.delete_old(timezone.now())
