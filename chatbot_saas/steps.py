"""What our staff may do to one client, each with a reason that its owners can read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.db import transaction
from django.db.models import QuerySet

from accounts import audit, outbox
from accounts.audit import Action
from accounts.models import Client, OutboxEmail
from billing import customers, holds, sync
from billing.reconcile import reconcile
from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import Conflict
from knowledge import tasks
from knowledge.models import KnowledgeBase

MOST_DAYS = 365


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        help_text="The company's owners can read it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DaysForm(ReasonForm):
    days = forms.IntegerField(min_value=1, max_value=MOST_DAYS)
    field_order = ("days", "reason")


@dataclass(frozen=True, slots=True)
class Step:
    """`run(client, actor, **fields of the form)` does it and tells what was done."""

    label: str
    explained: str
    form: type[forms.Form]
    run: Callable[..., str]


def _suspend(client: Client, actor: str, reason: str) -> str:
    holds.suspend(client, actor=actor, reason=reason)
    return f"{client.name} is suspended."


def _resume(client: Client, actor: str, reason: str) -> str:
    holds.resume(client, actor=actor, reason=reason)
    return f"{client.name} is not suspended any more."


def _extend_grace(client: Client, actor: str, reason: str, days: int) -> str:
    until = holds.extend_grace(client, actor=actor, days=days, reason=reason)
    return f"The grace period of {client.name} ends on {until:%Y-%m-%d}."


def _give_time(client: Client, actor: str, reason: str, days: int) -> str:
    until = holds.give_time(client, actor=actor, days=days, reason=reason)
    return f"{client.name} uses the product for free until {until:%Y-%m-%d}."


@transaction.atomic
def _look_at_stripe(client: Client, actor: str, reason: str) -> str:
    reconcile(client)
    sync.ask_for(client, "staff")
    audit.record_by_system(client, Action.CLIENT_SYNCED, client.name, actor=actor, reason=reason)
    return f"Stripe is being asked about {client.name}."


def _let_customer_go(client: Client, actor: str, reason: str) -> str:
    if not customers.let_go(client):
        raise Conflict("no_customer", f"{client.name} has no customer at Stripe.")
    audit.record_by_system(client, Action.CLIENT_SYNCED, client.name, actor=actor, reason=reason)
    return f"{client.name} gets a new customer at Stripe with its next payment."


@transaction.atomic
def _rebuild_index(client: Client, actor: str, reason: str) -> str:
    bases = list(KnowledgeBase.objects.for_client(client).values_list("pk", flat=True))
    for base_id in bases:
        after_commit(tasks.rebuild_index_of.delay, base_id)
    audit.record_by_system(client, Action.CLIENT_REINDEXED, client.name, actor=actor, reason=reason)
    return f"The index of {len(bases)} knowledge bases is rebuilt."


@transaction.atomic
def _send_mails_again(client: Client, actor: str, reason: str) -> str:
    queued = outbox.send_again(_mails_of(client))
    audit.record_by_system(
        client, Action.MAILS_SENT_AGAIN, client.name, actor=actor, reason=reason, mails=queued
    )
    return f"{queued} mails are sent again."


def _mails_of(client: Client) -> QuerySet[OutboxEmail]:
    """Those to its members and to the people it invited, as far as they were not sent."""
    members = client.members.values("email")
    invited = client.invitations.open().values("email")
    unsent = OutboxEmail.objects.exclude(state=OutboxEmail.State.SENT)
    return unsent.filter(recipient__in=members) | unsent.filter(recipient__in=invited)


STEPS = {
    "suspend": Step(
        "Suspend",
        "Visitors get no answers, members can look but not change anything.",
        ReasonForm,
        _suspend,
    ),
    "resume": Step("Lift the suspension", "Everything works again.", ReasonForm, _resume),
    "grace": Step(
        "Extend the grace period",
        "After a payment failed, everything goes on working until the grace period ends.",
        DaysForm,
        _extend_grace,
    ),
    "gift": Step("Give free time", "The product can be used without paying.", DaysForm, _give_time),
    "stripe": Step(
        "Look at Stripe again",
        "What Stripe says about its subscriptions is read anew, and everything follows from it.",
        ReasonForm,
        _look_at_stripe,
    ),
    "customer": Step(
        "Let go of its customer at Stripe",
        "Only for a customer whom Stripe does not know any more: with its next payment the company "
        "gets a new one. Whatever the old one still pays would be nobody's.",
        ReasonForm,
        _let_customer_go,
    ),
    "reindex": Step(
        "Rebuild the index",
        "The vector index of each knowledge base is made anew from the database.",
        ReasonForm,
        _rebuild_index,
    ),
    "mails": Step(
        "Send mails again",
        "Mails to members and invited people that wait for a next try go out now.",
        ReasonForm,
        _send_mails_again,
    ),
}
