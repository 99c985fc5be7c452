"""What our staff do to a client's billing: suspend, resume, give time. Each is in the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client
from billing.models import BillingState
from billing.reconcile import locked_state, reconcile
from chatbot_saas.lib.errors import Conflict

FOR_EVER = datetime(2100, 1, 1, tzinfo=UTC)


@transaction.atomic
def suspend(client: Client, *, actor: str, reason: str) -> None:
    """Stop this client's chats and changes until `resume`."""
    state = locked_state(client)
    if state.suspended_at:
        raise Conflict("already_suspended", f"{client.name} is suspended already.")
    state.suspended_at, state.suspended_reason = timezone.now(), reason[:300]
    state.save(update_fields=["suspended_at", "suspended_reason"])
    reconcile(client)
    audit.record_by_system(client, Action.CLIENT_SUSPENDED, client.name, actor=actor, reason=reason)


@transaction.atomic
def resume(client: Client, *, actor: str, reason: str = "") -> None:
    state = locked_state(client)
    if not state.suspended_at:
        raise Conflict("not_suspended", f"{client.name} is not suspended.")
    state.suspended_at, state.suspended_reason = None, ""
    state.save(update_fields=["suspended_at", "suspended_reason"])
    reconcile(client)
    audit.record_by_system(client, Action.CLIENT_RESUMED, client.name, actor=actor, reason=reason)


@transaction.atomic
def extend_grace(client: Client, *, actor: str, days: int, reason: str) -> datetime:
    """Put the end of the grace period off by `days`, counted from its end or from now."""
    state = locked_state(client)
    if state.status != "past_due":
        raise Conflict("no_grace", f"{client.name} has no payment that is overdue.")
    state.grace_until = _later(state.grace_ends_at or state.grace_until, days)
    _save(state, "grace_until")
    audit.record_by_system(
        client, Action.CLIENT_GRACE, client.name, actor=actor, days=days, reason=reason
    )
    return state.grace_until


@transaction.atomic
def give_time(client: Client, *, actor: str, days: int, reason: str) -> datetime:
    """Let this client use the product without paying for `days` more."""
    state = locked_state(client)
    state.complimentary_until = _later(state.complimentary_until, days)
    _save(state, "complimentary_until")
    audit.record_by_system(
        client, Action.CLIENT_GIFT, client.name, actor=actor, days=days, reason=reason
    )
    return state.complimentary_until


@transaction.atomic
def give_for_ever(client: Client) -> None:
    """Our own demo client never pays."""
    state = locked_state(client)
    state.complimentary_until = FOR_EVER
    _save(state, "complimentary_until")


def _later(until: datetime | None, days: int) -> datetime:
    now = timezone.now()
    return max(until or now, now) + timedelta(days=days)


def _save(state: BillingState, field: str) -> None:
    state.save(update_fields=[field])
    reconcile(state.client)
