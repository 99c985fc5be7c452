"""How long a client keeps conversations. The nightly deletion itself is chat's."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.audit import Action
from accounts.models import Client


@transaction.atomic
def change(request: HttpRequest, client: Client, days: int | None) -> None:
    """Set the days; None keeps conversations for ever."""
    before = client.retention_days
    if days == before:
        return
    client.retention_days = days
    client.save(update_fields=["retention_days"])
    target = f"{days} days" if days else "for ever"
    audit.record(request, client, Action.RETENTION_CHANGED, target, before=before, after=days)
