"""Whoever works on a website holds its lease; a killed worker's runs out (as in ingest)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from knowledge.models import Website


class LeaseLost(Exception):
    """Somebody else works on this website now, or it was stopped or deleted."""


def claim(website_id: int) -> Website | None:
    """Take the lease of a website that is unfinished, that nobody holds and that need not wait."""
    now = timezone.now()
    free = Website.objects.filter(pk=website_id).unfinished().awake(now)
    lease = secrets.token_hex(16)
    claim = {"lease": lease, "heartbeat_at": now, "not_before": None}
    stale = free.filter(heartbeat_at__lt=stale_before(now))
    if not (free.filter(lease="").update(**claim) or stale.update(**claim)):
        return None
    held = Website.objects.select_related("knowledge_base__client")
    return held.filter(pk=website_id, lease=lease).first()


def renew(website: Website, **changes: object) -> None:
    """Beat, and write `changes`, if the lease is still ours."""
    held = Website.objects.filter(pk=website.pk, lease=website.lease)
    if not held.update(heartbeat_at=timezone.now(), **changes):
        raise LeaseLost
    for name, value in changes.items():
        setattr(website, name, value)


def put_down(website: Website, seconds: float) -> float | None:
    """Give the lease back; nobody takes it before so many seconds have passed.

    The seconds again if a message must wake somebody then; None when they are so many that the
    sweep finds it: a message that waits for an hour is kept in some worker's memory, and lost
    with it or sent to another one too.
    """
    renew(website, lease="", not_before=timezone.now() + timedelta(seconds=seconds))
    return seconds if seconds < settings.INGEST_LEASE_SECONDS else None


def abandoned(most: int) -> list[int]:
    """Unfinished websites that nobody has worked on for as long as a lease lasts."""
    now = timezone.now()
    stale = Website.objects.abandoned(stale_before(now)).awake(now)
    found = list(stale.values_list("pk", flat=True)[:most])
    # Those that nobody holds may simply stand in a long queue: ask again after a while only.
    Website.objects.filter(pk__in=found, lease="").update(heartbeat_at=now)
    return found


def stale_before(now: datetime) -> datetime:
    return now - timedelta(seconds=settings.INGEST_LEASE_SECONDS)
