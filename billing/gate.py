"""May this client's visitors chat, and may the client change things? One place to ask."""

from __future__ import annotations

from accounts.models import Client
from chatbot_saas.lib.errors import CallerError


class PaymentRequired(CallerError):
    status = 402


def require_chat(client: Client) -> None:
    """Raise PaymentRequired when visitors of this client get no answers now."""
    if not client.is_active:
        raise PaymentRequired("subscription_inactive", "This chat is not available at the moment.")


def require_edit(client: Client) -> None:
    """Raise PaymentRequired when this client may look but not change things now."""
    if not client.is_active:
        raise PaymentRequired(
            "subscription_inactive", "The subscription is not active: renew it to change things."
        )
