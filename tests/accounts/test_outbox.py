"""Mail: a row first, sent by the worker, once."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.core.mail import send_mail
from django.utils import timezone

from accounts import delivery, outbox
from accounts.models import OutboxEmail
from tests.fakes.smtp import FakeSmtp
from tests.house import House
from tests.services.waiting import wait_until


def address() -> str:
    return f"{uuid.uuid4().hex[:10]}@where.example"


def test_the_real_worker_sends_a_mail_once_and_forgets_its_text(house: House) -> None:
    to = address()
    outbox.send(to, "Hello", "A code: 123", dedupe_key=f"test:{to}")
    outbox.send(to, "Hello", "A code: 123", dedupe_key=f"test:{to}")
    wait_until(lambda: bool(house.mails.to(to)), 30)
    wait_until(lambda: OutboxEmail.objects.get(recipient=to).state == "sent", 10)
    outbox.send(to, "Hello", "Once more", dedupe_key=f"test:{to}")
    delivery.deliver_waiting()
    assert [mail.subject for mail in house.mails.to(to)] == ["Hello"]
    assert "A code: 123" in house.mails.to(to)[0].text
    row = OutboxEmail.objects.get(recipient=to)
    assert (row.text, row.html) == ("", "")
    assert row.sent_at is not None


def test_everything_that_django_mails_goes_through_the_outbox(db: None) -> None:
    send_mail("Subject", "Text", None, ["one@where.example", "two@where.example"])
    assert set(OutboxEmail.objects.values_list("recipient", flat=True)) == {
        "one@where.example",
        "two@where.example",
    }


def test_a_mail_server_that_is_down_gets_it_later(db: None, mail_server: FakeSmtp) -> None:
    to = address()
    outbox.send(to, "Hello", "Text")
    mail_server.refusing = True
    row = OutboxEmail.objects.get(recipient=to)
    assert not delivery.deliver(row)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.text) == ("waiting", 1, "Text")
    assert row.not_before > timezone.now()
    assert "where.example" not in row.error
    assert delivery.deliver_waiting() == 0  # it is too early

    mail_server.refusing = False
    OutboxEmail.objects.filter(pk=row.pk).update(not_before=timezone.now())
    assert delivery.deliver_waiting() == 1
    assert len(mail_server.to(to)) == 1


def test_it_is_given_up_after_many_tries_and_kept_for_staff_to_send_again(
    db: None, mail_server: FakeSmtp
) -> None:
    mail_server.refusing = True
    outbox.send(address(), "Hello", "Text")
    for _ in range(delivery.MOST_ATTEMPTS):
        OutboxEmail.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        delivery.deliver_waiting()
    row = OutboxEmail.objects.get()
    assert (row.state, row.text) == ("failed", "Text")
    OutboxEmail.objects.update(not_before=timezone.now())
    assert delivery.deliver_waiting() == 0


def test_two_workers_never_send_the_same_mail(db: None, mail_server: FakeSmtp) -> None:
    to = address()
    outbox.send(to, "Hello", "Text")
    mine, yours = (OutboxEmail.objects.get(recipient=to) for _ in range(2))
    assert delivery.deliver(mine)
    assert not delivery.deliver(yours)
    assert len(mail_server.to(to)) == 1


def test_a_worker_that_died_while_sending_leaves_it_to_the_next(
    db: None, mail_server: FakeSmtp
) -> None:
    outbox.send(address(), "Hello", "Text")
    soon = timezone.now() + timedelta(seconds=delivery.SENDING_SECONDS)
    OutboxEmail.objects.update(not_before=soon)  # taken, and never finished
    assert delivery.deliver_waiting() == 0
    OutboxEmail.objects.update(not_before=timezone.now())
    assert delivery.deliver_waiting() == 1


def test_a_line_break_in_a_subject_is_none(db: None) -> None:
    outbox.send(address(), "Acme\r\nBcc: all@evil.example", "Text")
    assert OutboxEmail.objects.get().subject == "Acme Bcc: all@evil.example"


def test_old_mails_are_forgotten_but_not_that_they_were_sent(db: None) -> None:
    outbox.send(address(), "May repeat", "")
    outbox.send(address(), "Never again", "", dedupe_key="trial-ended:cli_1")
    OutboxEmail.objects.update(state="sent", sent_at=timezone.now() - timedelta(days=31))
    delivery.forget_old(timezone.now() - timedelta(days=30))
    assert [row.subject for row in OutboxEmail.objects.all()] == ["Never again"]
