"""What the worker does for accounts."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts import delivery, key_links
from accounts.models import OutboxEmail

SENT_MAILS_KEPT = timedelta(days=30)


@shared_task
def send_mail(dedupe_key: str) -> None:
    for row in OutboxEmail.objects.filter(dedupe_key=dedupe_key):
        delivery.deliver(row)


@shared_task
def send_waiting_mails() -> None:
    delivery.deliver_waiting()
    delivery.forget_old(timezone.now() - SENT_MAILS_KEPT)


@shared_task
def send_key_links(email: str) -> None:
    key_links.send_to(email)
