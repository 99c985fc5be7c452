"""Mails about money: each is due by what is so, and goes out once, however often that is looked at.

`due` is a pure function of a client's billing state and the moment; the outbox's unique keys do
the rest. So a repeated event, a second worker or a nightly look never mails twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import outbox
from accounts.models import Client, Membership, User
from billing.models import BillingState
from billing.plans import plan_of
from billing.standing import Standing

WARNING = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail, by the name of its template and what makes it another one than the last."""

    kind: str
    occasion: str


SUBJECTS = {
    "trial_ending": "Your trial of {site} ends soon",
    "trial_over": "Your trial of {site} is over",
    "payment_failed": "A payment for {client} failed",
    "grace_ending": "{client}: the chat stops soon unless the payment goes through",
    "grace_over": "{client}: the chat has stopped",
    "ended": "The subscription of {client} has ended",
    "quota_80": "{client} has used 80 % of its {what}",
    "quota_100": "{client} has used all of its {what}",
}


def due(state: BillingState, now: datetime) -> list[Notice]:
    """Every notice that the owners should have had by now, whether or not they had it."""
    match Standing(state.standing):
        case Standing.TRIAL:
            return _before(state.trial_ends_at, now, "trial_ending")
        case Standing.TRIAL_OVER:
            return [Notice("trial_over", _stamp(state.trial_ends_at))]
        case Standing.GRACE:
            failed = Notice("payment_failed", _stamp(state.past_due_since))
            return [failed, *_before(state.grace_ends_at, now, "grace_ending")]
        case Standing.GRACE_OVER | Standing.UNPAID:
            return [Notice("grace_over", state.subscription_id + _stamp(state.past_due_since))]
        case Standing.ENDED:
            return [Notice("ended", state.subscription_id)]
        case _:
            return []


def send_due(state: BillingState, now: datetime) -> None:
    """Queue what is due; what was queued before is not queued again."""
    for notice in due(state, now):
        send(state.client, notice, state=state)


def send(client: Client, notice: Notice, **context: Any) -> None:
    """Queue one notice to each owner of a client."""
    owners = Membership.objects.for_client(client).owners().working().select_related("user")
    context |= {
        "client": client,
        "site_name": settings.SITE_NAME,
        "url": settings.SITE_URL + reverse("billing"),
    }
    if "state" in context:
        context["plan"] = plan_of(context["state"].plan)
    text = render_to_string(f"billing/mail/{notice.kind}.txt", context)
    subject = SUBJECTS[notice.kind].format(
        site=settings.SITE_NAME, client=client.name, what=context.get("what", "")
    )
    for owner in owners:
        key = f"{notice.kind}:{client.public_id}:{notice.occasion}:{owner.user_id}"
        outbox.send(owner.user.email, subject, text, dedupe_key=key, client=client)


def alert_staff(client: Client, problem: str, occasion: str) -> None:
    """Tell our own people of something that only a person can put right."""
    context = {"client": client, "problem": problem, "url": _admin_page(client)}
    text = render_to_string("billing/mail/alert.txt", context)
    staff = User.objects.filter(is_active=True, is_superuser=True)
    for person in staff:
        key = f"alert:{client.public_id}:{occasion}:{_short(problem)}:{person.pk}"
        subject = f"Billing of {client.name}: {problem}"
        outbox.send(person.email, subject, text, dedupe_key=key, client=client)


def _admin_page(client: Client) -> str:
    return settings.SITE_URL + reverse("admin:accounts_client_change", args=[client.pk])


def _before(moment: datetime | None, now: datetime, kind: str) -> list[Notice]:
    if moment is None or now < moment - WARNING:
        return []
    return [Notice(kind, _stamp(moment))]


def _short(problem: str) -> str:
    """Another problem of the same subscription is another mail."""
    return hashlib.sha256(problem.encode()).hexdigest()[:8]


def _stamp(moment: datetime | None) -> str:
    return moment.strftime("%Y%m%d%H%M") if moment else ""
