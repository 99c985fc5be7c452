"""When a client is deleted: nothing may be billed on, and nothing of it be kept here."""

from __future__ import annotations

from accounts.models import Client
from billing import mirror, stripe_api
from billing.entitlement import state_of
from billing.models import Checkout, SyncRequest
from billing.pull import pull
from billing.reconcile import takes_payments
from billing.stripe_api import Refused, StripeUnavailable

COMPLETE = Checkout.State.COMPLETE


def end_everything(client: Client) -> None:
    """Cancel at once all that still runs: what is deleted here must not be billed on.

    Raises StripeUnavailable or Refused, and is then tried again before anything is deleted.
    """
    if not takes_payments() or not state_of(client).stripe_customer_id:
        return
    for checkout in client.checkouts.exclude(session_id="").exclude(state=COMPLETE):
        _expire(checkout.session_id)  # before the look: what is paid until then is seen by it
    found = pull(client)
    if found is None:
        raise StripeUnavailable("overtaken", "Somebody else looks at Stripe at this moment.")
    for one in found.read:
        if one.is_live:
            _cancel_now(one.id)


def forget(client: Client) -> None:
    """Delete what is kept under the customer's name; for use in the transaction that deletes the
    client. Stripe itself keeps customers and invoices: the books need them."""
    customer = state_of(client).stripe_customer_id
    if customer:
        SyncRequest.objects.filter(customer_id=customer).delete()
        mirror.forget(customer)


def _cancel_now(subscription: str) -> None:
    try:
        with stripe_api.talking() as stripe:
            stripe.v1.subscriptions.cancel(subscription)
    except Refused as refused:
        if not refused.is_missing:
            raise


def _expire(session: str) -> None:
    try:
        with stripe_api.talking() as stripe:
            stripe.v1.checkout.sessions.expire(session)
    except Refused:
        return  # paid or ended already
