"""Send the mails of the outbox. The worker's part; `accounts.outbox` is everybody else's."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils import timezone

from accounts.models import OutboxEmail

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
SENDING_SECONDS = 120  # after which another worker may try
BATCH = 50


def deliver(row: OutboxEmail) -> bool:
    """Send one waiting mail; False when somebody else has it or the mail server refused it.

    A worker takes a mail by moving `not_before` ahead: one that dies while sending leaves it to
    the next. A server that took the mail and died before saying so gets it twice; nothing can
    prevent that.
    """
    now = timezone.now()
    taken = OutboxEmail.objects.waiting(now).filter(pk=row.pk, not_before=row.not_before)
    if not taken.update(not_before=now + timedelta(seconds=SENDING_SECONDS)):
        return False
    try:
        _message(row).send()
    except Exception as error:  # noqa: BLE001 - smtplib's, the socket's and the mail backend's own
        _failed(row, error, now)
        return False
    OutboxEmail.objects.filter(pk=row.pk).update(
        state=OutboxEmail.State.SENT, sent_at=now, text="", html="", error=""
    )
    return True


def deliver_waiting() -> int:
    """Send what no message woke a worker for; how many went out."""
    waiting = OutboxEmail.objects.waiting(timezone.now()).order_by("not_before")[:BATCH]
    return sum(deliver(row) for row in waiting)


def forget_old(before: datetime) -> None:
    """Drop rows of mails that were sent long ago, except those that must not be sent again.

    Mails that were given up are kept as long, for staff to send them once more.
    """
    may_repeat = OutboxEmail.objects.filter(dedupe_key__startswith=OutboxEmail.RANDOM)
    may_repeat.filter(sent_at__lt=before).delete()
    given_up = OutboxEmail.objects.filter(state=OutboxEmail.State.FAILED, created_at__lt=before)
    given_up.update(text="", html="")


def _message(row: OutboxEmail) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        row.subject,
        row.text,
        row.sender,
        [row.recipient],
        connection=get_connection(settings.MAIL_DELIVERY_BACKEND),
    )
    if row.html:
        message.attach_alternative(row.html, "text/html")
    return message


def _failed(row: OutboxEmail, error: Exception, now: datetime) -> None:
    attempts = row.attempts + 1
    given_up = attempts >= MOST_ATTEMPTS
    # The class alone: a server's words may hold the address or the text.
    logger.warning("mail %s, attempt %s: %s", row.pk, attempts, type(error).__name__)
    OutboxEmail.objects.filter(pk=row.pk).update(
        attempts=attempts,
        error=type(error).__name__,
        state=OutboxEmail.State.FAILED if given_up else OutboxEmail.State.WAITING,
        not_before=now + timedelta(seconds=30 * 2**attempts),
    )
