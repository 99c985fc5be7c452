"""The one customer of a client at Stripe."""

from __future__ import annotations

from typing import Any

from accounts.models import Client, User
from billing import stripe_api
from billing.models import BillingState
from billing.reconcile import reconcile


def ensure(client: Client, user: User) -> str:
    """The customer's id, made at the first payment. Raises StripeUnavailable.

    Made outside any transaction: one that rolls back would leave a customer behind whom nobody
    knows. Of two made at once the first is kept, and the other stays empty.
    """
    state = reconcile(client)  # makes the row that the id goes into
    if state.stripe_customer_id:
        return state.stripe_customer_id
    made = _create(client, user, state.pulls)
    states = BillingState.objects.filter(client=client)
    states.filter(stripe_customer_id=None).update(stripe_customer_id=made)
    return states.values_list("stripe_customer_id", flat=True).get() or made


def let_go(client: Client) -> bool:
    """Forget a client's customer, so that its next payment makes a new one; for our staff.

    Only for one that Stripe does not know: what such a customer still pays would be nobody's.
    """
    states = BillingState.objects.filter(client=client).exclude(stripe_customer_id=None)
    empty = {"stripe_customer_id": None, "status": "", "alert": "", "schedule_id": ""}
    changed = states.update(**empty)
    reconcile(client)
    return bool(changed)


def _create(client: Client, user: User, number: int) -> str:
    params: Any = {
        "email": user.email,
        "name": client.name,
        # For people who look at Stripe's pages; nothing is decided by it.
        "metadata": {"client": client.public_id},
    }
    # The number goes up with each look at Stripe: after a deletion the key is another one.
    key = f"customer-{client.public_id}-{user.pk}-{number}"
    with stripe_api.talking() as stripe:
        return stripe.v1.customers.create(params, {"idempotency_key": key}).id
