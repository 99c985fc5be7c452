"""What the worker does for billing. Each task may run twice, late, or beside itself."""

from __future__ import annotations

from celery import shared_task
from django.db.models import Q
from django.utils import timezone

from accounts.models import Client
from billing import overage, revenue, sync
from billing.models import BillingState, SyncRequest
from billing.reconcile import reconcile, takes_payments


@shared_task
def sync_event(event_id: str) -> None:
    for request in SyncRequest.objects.open().filter(event_id=event_id):
        sync.run(request)


@shared_task
def sync_request(request_id: int) -> None:
    for request in SyncRequest.objects.open().filter(pk=request_id):
        sync.run(request)


@shared_task
def sweep_requests() -> None:
    """Do what no message woke a worker for, or what Stripe did not answer."""
    if takes_payments():
        for request_id in sync.due(timezone.now()):
            sync_request.delay(request_id)


@shared_task
def look_at_clocks() -> None:
    """Grace, trials and gifts end by themselves, and warnings fall due."""
    states = BillingState.objects
    waiting = states.changed_by_time() if takes_payments() else states.stopped_by_money()
    for client in Client.objects.filter(Q(billing__in=waiting) | Q(billing=None)).iterator():
        reconcile(client)


@shared_task
def look_at_everything() -> None:
    """Once a night every customer is looked at, whatever events were lost."""
    if not takes_payments():
        return
    for state in BillingState.objects.at_stripe().select_related("client").iterator():
        sync.ask_for(state.client, "nightly")
    sync.forget_old(timezone.now())


@shared_task
def report_overage() -> None:
    if takes_payments():
        overage.report_all()


@shared_task
def note_revenue() -> None:
    if takes_payments():
        revenue.note_today()
