"""Do what the webhook noted: look at Stripe again for each customer of which something was told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from celery import current_app
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Client
from billing import mirror
from billing.models import BillingState, SyncRequest
from billing.pull import Found, pull
from billing.stripe_api import PaymentRefused, Refused, StripeUnavailable
from billing.subscriptions import Subscription
from chatbot_saas.lib.after_commit import after_commit

logger = logging.getLogger(__name__)

MOST_LAGS = 3
LAG_SECONDS = 5
MOST_WAIT = timedelta(hours=1)
KEPT = timedelta(days=90)
BATCH = 200
SWEPT_AGAIN_SECONDS = 60


def ask_for(client: Client, reason: str, *, after: timedelta = timedelta()) -> SyncRequest:
    """Note that Stripe is to be looked at for this client; the worker or its sweep does it."""
    now = timezone.now()
    request = SyncRequest.objects.create(
        client=client, reason=reason, created_at=now, not_before=now + after
    )
    if not after:
        # By name: the tasks call this module.
        after_commit(current_app.send_task, "billing.tasks.sync_request", [request.pk])
    return request


def run(request: SyncRequest) -> None:
    """Bring the client of a request up to date; it stays open when Stripe does not answer."""
    if request.done_at is not None:
        return
    client = _client_of(request)
    if client is None:
        _finish([request], "unknown customer")
        return
    began = timezone.now()
    try:
        found = pull(client)
    except (StripeUnavailable, Refused, PaymentRefused) as error:
        _put_off(request, type(error).__name__)
        return
    if found is None:
        return  # a later look is under way; the sweep sees whether it came to an end
    _settle(client, began, found.read)
    _mirror(client, found)


def _mirror(client: Client, found: Found) -> None:
    """Show dj-stripe's tables what was found, unless the client is deleted meanwhile."""
    mirror.keep(found.subscriptions, found.invoices)
    if not Client.objects.filter(pk=client.pk).exists():
        for customer in {str(one.get("customer")) for one in found.subscriptions}:
            mirror.forget(customer)


def due(now: datetime) -> list[int]:
    """What lost its message: one request for each client, so that a burst is one look.

    They come to the end of the line: one that cannot be done keeps nobody from being looked at.
    """
    waiting = SyncRequest.objects.due(now).order_by("not_before")[:BATCH]
    chosen = {(one.client_id, one.customer_id): one.pk for one in waiting}
    taken = SyncRequest.objects.filter(pk__in=chosen.values())
    taken.update(not_before=now + timedelta(seconds=SWEPT_AGAIN_SECONDS))
    return list(chosen.values())


def forget_old(now: datetime) -> None:
    SyncRequest.objects.filter(done_at__lt=now - KEPT).delete()


def _client_of(request: SyncRequest) -> Client | None:
    """By our own table alone: what Stripe's metadata say may have been written by others."""
    if request.client is not None:
        return request.client
    if not request.customer_id:
        return None
    states = BillingState.objects.filter(stripe_customer_id=request.customer_id)
    state = states.select_related("client").first()
    return state.client if state else None


def _settle(client: Client, began: datetime, found: Sequence[Subscription]) -> None:
    """Finish every request that this look has answered.

    One whose event said something else is asked again, since Stripe's answers may lag behind its
    events; a few times only, since an event may as well be older than the answer.
    """
    statuses = {one.id: one.status for one in found}
    answered: list[SyncRequest] = []
    lagging: list[SyncRequest] = []
    for request in _open_requests(client, began):
        expected = request.expects
        agrees = not expected or statuses.get(expected["id"]) == expected["status"]
        done = agrees or request.attempts >= MOST_LAGS
        (answered if done else lagging).append(request)
    _finish(answered)
    for request in lagging:
        _put_off(request, "lagging", LAG_SECONDS)


def _open_requests(client: Client, began: datetime) -> list[SyncRequest]:
    """Those from before the look began: what came later may be about something later."""
    customer = BillingState.objects.filter(client=client).values("stripe_customer_id")
    earlier = SyncRequest.objects.open().filter(created_at__lte=began)
    return list(earlier.filter(client=client) | earlier.filter(customer_id__in=customer))


def _finish(requests: Sequence[SyncRequest], error: str = "") -> None:
    ids = [one.pk for one in requests]
    rows = SyncRequest.objects.open().filter(pk__in=ids)
    rows.update(done_at=timezone.now(), error=error, attempts=F("attempts") + 1)


@transaction.atomic
def _put_off(request: SyncRequest, error: str, seconds: int = 15) -> None:
    """Try again later, each time a little later still."""
    wait = min(timedelta(seconds=seconds * 2 ** min(request.attempts, 10)), MOST_WAIT)
    rows = SyncRequest.objects.open().filter(pk=request.pk)
    rows.update(attempts=F("attempts") + 1, error=error[:64], not_before=timezone.now() + wait)
