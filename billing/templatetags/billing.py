"""What every page of the dashboard says about money, when there is something to say."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.utils import timezone

from accounts.models import Client
from billing.entitlement import state_of
from billing.gate import why_inactive
from billing.models import BillingState
from billing.notices import WARNING
from billing.reconcile import takes_payments
from billing.standing import Standing

register = template.Library()


@register.filter
def dollars(cents: int) -> str:
    """1234567 as "12,345.67"; whole dollars without their cents."""
    return f"{cents / 100:,.0f}" if cents % 100 == 0 else f"{cents / 100:,.2f}"


@register.inclusion_tag("billing/_notice.html")
def billing_notice(client: Client) -> dict[str, object]:
    """A banner: why nothing works, or what is about to stop."""
    if not client.is_active:
        return {"why": why_inactive(client), "bad": True}
    if not takes_payments():
        return {}
    return {"state": _worth_saying(state_of(client))}


def _worth_saying(state: BillingState) -> BillingState | None:
    """The state of a client whose payment failed or whose trial is about to end."""
    if state.standing == Standing.GRACE:
        return state
    if state.standing != Standing.TRIAL or state.trial_ends_at is None:
        return None
    ends_soon = state.trial_ends_at - timezone.now() < WARNING + timedelta(days=1)
    return state if ends_soon else None
