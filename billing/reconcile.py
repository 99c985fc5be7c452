"""Draw the sum: is this client active now? The only module that writes Client.is_active."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Client
from billing.models import BillingState


@transaction.atomic
def reconcile(client: Client) -> BillingState:
    """Bring Client.is_active in line with holds and closing; the billing state, locked."""
    state = locked_state(client)
    now = Client.objects.get(pk=client.pk)
    is_active = state.suspended_at is None and not now.is_closing
    Client.objects.filter(pk=client.pk).exclude(is_active=is_active).update(is_active=is_active)
    client.is_active = is_active
    client.deletion_due_at = now.deletion_due_at
    return state


def locked_state(client: Client) -> BillingState:
    """The client's one billing row, made when there is none; for use inside a transaction."""
    state, _ = BillingState.objects.select_for_update().get_or_create(client=client)
    return state
