"""May this client's visitors chat, and may the client change things? One place to ask."""

from __future__ import annotations

from enum import StrEnum

from accounts.models import Client
from billing.models import BillingState
from chatbot_saas.lib.errors import CallerError


class PaymentRequired(CallerError):
    status = 402
    title = "Not while the company is inactive"


class Reason(StrEnum):
    """Why a client is not active, in words for its members. The first that is true counts."""

    SUSPENDED = "We have suspended this company: nothing can be changed. Please write to us."
    CLOSING = "This company is going to be deleted: nothing can be changed. Its owner can keep it."
    INACTIVE = "The subscription is not active: renew it to change things."


def require_chat(client: Client) -> None:
    """Raise PaymentRequired when visitors of this client get no answers now.

    Why is nobody's business but the client's: visitors are all told the same.
    """
    if not client.is_active:
        raise PaymentRequired("subscription_inactive", "This chat is not available at the moment.")


def require_edit(client: Client) -> None:
    """Raise PaymentRequired when this client may look but not change things now."""
    if reason := why_inactive(client):
        raise PaymentRequired("subscription_inactive", reason)


def why_inactive(client: Client) -> Reason | None:
    """None for an active client; asks the database only about others."""
    if client.is_active:
        return None
    if BillingState.objects.filter(client=client, suspended_at__isnull=False).exists():
        return Reason.SUSPENDED
    return Reason.CLOSING if client.is_closing else Reason.INACTIVE
