"""May this client's visitors chat, and may the client change things? One place to ask."""

from __future__ import annotations

from enum import StrEnum

from accounts.models import Client
from billing.entitlement import state_of
from billing.standing import Standing
from chatbot_saas.lib.errors import CallerError

NOT_AVAILABLE = "This chat is not available at the moment."


class PaymentRequired(CallerError):
    status = 402
    title = "Not while the company is inactive"


class Reason(StrEnum):
    """Why a client is not active, in words for its members."""

    SUSPENDED = "We have suspended this company: nothing can be changed. Please write to us."
    CLOSING = "This company is going to be deleted: nothing can be changed. Its owner can keep it."
    TRIAL_OVER = "The trial is over. Choose a plan, and everything works again."
    GRACE_OVER = "The last invoice is not paid. Pay it, and everything works again."
    PAUSED = "The subscription is paused. Resume it, and everything works again."
    INACTIVE = "The subscription is not active. Choose a plan, and everything works again."


REASONS = {
    Standing.SUSPENDED: Reason.SUSPENDED,
    Standing.CLOSING: Reason.CLOSING,
    Standing.TRIAL_OVER: Reason.TRIAL_OVER,
    Standing.STALE_TRIAL: Reason.TRIAL_OVER,
    Standing.GRACE_OVER: Reason.GRACE_OVER,
    Standing.UNPAID: Reason.GRACE_OVER,
    Standing.PAUSED: Reason.PAUSED,
}


def require_chat(client: Client) -> None:
    """Raise PaymentRequired when visitors of this client get no answers now.

    Why is nobody's business but the client's: visitors are all told the same.
    """
    if not client.is_active:
        raise PaymentRequired("subscription_inactive", NOT_AVAILABLE)


def require_edit(client: Client) -> None:
    """Raise PaymentRequired when this client may look but not change things now."""
    if reason := why_inactive(client):
        raise PaymentRequired("subscription_inactive", reason)


def why_inactive(client: Client) -> Reason | None:
    """None for an active client; asks the database only about others."""
    if client.is_active:
        return None
    standing = Standing(state_of(client).standing)
    return REASONS.get(standing, Reason.CLOSING if client.is_closing else Reason.INACTIVE)
