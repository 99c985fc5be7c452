"""Mail as rows: written where the reason is, sent by the worker, tried again until it goes out.

A request that sends mail itself waits for a mail server, loses the mail when that is down, and
tells by its duration whether an address is known.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Client, OutboxEmail
from chatbot_saas.lib.after_commit import after_commit


class OutboxBackend(BaseEmailBackend):
    """What Django's and allauth's mail functions write to."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            for recipient in message.recipients():
                put(_row(message, recipient))
        return len(email_messages)


def send(
    recipient: str,
    subject: str,
    text: str,
    *,
    dedupe_key: str = "",
    client: Client | None = None,
) -> None:
    """Queue a mail; one of the same `dedupe_key` is never sent twice.

    Whatever is about a client names it: a mail that waits is not sent once the client is deleted.
    """
    put(
        OutboxEmail(
            client=client,
            dedupe_key=dedupe_key or _random_key(),
            recipient=recipient,
            sender=settings.DEFAULT_FROM_EMAIL,
            subject=_one_line(subject),
            text=text,
            not_before=timezone.now(),
        )
    )


def put(row: OutboxEmail) -> None:
    OutboxEmail.objects.bulk_create([row], ignore_conflicts=True)
    after_commit(_wake_worker, row.dedupe_key)


def _random_key() -> str:
    return f"{OutboxEmail.RANDOM}{uuid.uuid4()}"


def _row(message: EmailMessage, recipient: str) -> OutboxEmail:
    html = ""
    if isinstance(message, EmailMultiAlternatives):
        html = next((str(body) for body, kind in message.alternatives if kind == "text/html"), "")
    return OutboxEmail(
        dedupe_key=_random_key(),
        recipient=recipient,
        sender=message.from_email or settings.DEFAULT_FROM_EMAIL,
        subject=_one_line(str(message.subject)),
        text=str(message.body),
        html=html,
        not_before=timezone.now(),
    )


def _one_line(subject: str) -> str:
    """Company names stand in subjects: a line break there would be a header of its own."""
    return " ".join(subject.split())[:254]


def send_again(rows: QuerySet[OutboxEmail]) -> int:
    """Queue these mails once more, as far as they were not sent and have a text; how many.

    Of one that was given up long ago the text is gone.
    """
    now = timezone.now()
    unsent = rows.exclude(state=OutboxEmail.State.SENT).exclude(text="")
    keys = list(unsent.values_list("dedupe_key", flat=True))
    OutboxEmail.objects.filter(dedupe_key__in=keys).exclude(state=OutboxEmail.State.SENT).update(
        state=OutboxEmail.State.WAITING, attempts=0, not_before=now, error=""
    )
    for key in keys:
        after_commit(_wake_worker, key)
    return len(keys)


def _wake_worker(dedupe_key: str) -> None:
    # By name: the tasks call modules that send mail.
    current_app.send_task("accounts.tasks.send_mail", [dedupe_key])
