"""Ask for a client's deletion, and take that back while there is time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import audit, outbox
from accounts.audit import Action
from accounts.models import Client, Membership
from billing.reconcile import reconcile
from chatbot_saas.lib.errors import Conflict


@transaction.atomic
def close(request: HttpRequest, client: Client) -> datetime:
    """Stop the client now and delete it after settings.DELETION_DAYS; when that will be."""
    locked = Client.objects.select_for_update().get(pk=client.pk)
    if locked.deletion_due_at:
        raise Conflict("already_closing", f"{client.name} is going to be deleted already.")
    due = timezone.now() + timedelta(days=settings.DELETION_DAYS)
    _set_due(client, due)
    audit.record(request, client, Action.CLIENT_CLOSING, client.name, due=due.isoformat())
    _tell_owners(request, client, due)
    return due


@transaction.atomic
def keep(request: HttpRequest, client: Client) -> None:
    """Take the deletion back. Raises Conflict when there is nothing to take back any more."""
    locked = Client.objects.select_for_update().get(pk=client.pk)
    if locked.deletion_due_at is None:
        raise Conflict("not_closing", f"{client.name} is not going to be deleted.")
    if locked.deletion_due_at <= timezone.now():
        raise Conflict("too_late", f"{client.name} is being deleted: it is too late to keep it.")
    _set_due(client, None)
    audit.record(request, client, Action.CLIENT_KEPT, client.name)


def _set_due(client: Client, due: datetime | None) -> None:
    client.deletion_due_at = due
    client.save(update_fields=["deletion_due_at"])
    reconcile(client)


def _tell_owners(request: HttpRequest, client: Client, due: datetime) -> None:
    owners = Membership.objects.for_client(client).owners().working().select_related("user")
    context = {
        "client": client,
        "due": due,
        "by": getattr(request.user, "email", audit.SYSTEM),
        "url": settings.SITE_URL + reverse("data"),
        "site_name": settings.SITE_NAME,
    }
    text = render_to_string("data/mail/closing.txt", context)
    for owner in owners:
        outbox.send(
            owner.user.email,
            f"{client.name} is going to be deleted",
            text,
            dedupe_key=f"closing:{client.public_id}:{int(due.timestamp())}:{owner.pk}",
            client=client,
        )
