"""A row that is a job: whoever works on it holds its lease.

The row has a `lease` and a `heartbeat_at`. A worker takes the lease, renews it with each step, and
writes changes only while it holds it, so that two can never both write. One that was killed stops
renewing, and after a while another one may take the row over.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

M = TypeVar("M", bound=Model)


class LeaseLost(Exception):
    """Somebody else works on this row now, or it was stopped or deleted."""


class Leased(Protocol):
    """A row of a model with a lease; its `heartbeat_at` is only written."""

    pk: Any
    lease: str


def stale_since() -> datetime:
    """Who has not renewed a lease since then holds it no more."""
    return timezone.now() - timedelta(seconds=settings.INGEST_LEASE_SECONDS)


def free() -> Q:
    """Rows that nobody holds."""
    return Q(lease="") | Q(heartbeat_at__lt=stale_since())


def claim(row: QuerySet[M], **changes: object) -> str:
    """Take the lease of the row that is asked for, and write `changes`; "" when there is none, or
    somebody holds it."""
    lease = secrets.token_hex(16)
    taken = row.filter(free()).update(lease=lease, heartbeat_at=timezone.now(), **changes)
    return lease if taken else ""


def held(row: Leased) -> QuerySet[Any]:
    """The row as a query, as long as the lease is ours."""
    rows: QuerySet[Any] = type(row)._default_manager.filter(pk=row.pk, lease=row.lease)  # type: ignore[attr-defined]
    return rows


def renew(row: Leased, **changes: object) -> None:
    """Beat, and write `changes`. Raises LeaseLost when the lease is not ours any more."""
    if not held(row).update(heartbeat_at=timezone.now(), **changes):
        raise LeaseLost
    for name, value in changes.items():
        if name != "lease":
            setattr(row, name, value)


def abandoned(stale: QuerySet[M], most: int) -> list[int]:
    """The ids of some of these rows, which nobody has worked on for as long as a lease lasts.

    Those that nobody holds may simply stand in a long queue: ask again after a while only.
    """
    found = list(stale.values_list("pk", flat=True)[:most])
    stale.model._default_manager.filter(pk__in=found, lease="").update(heartbeat_at=timezone.now())
    return found
