"""Whoever works on a website holds its lease, and gives it back for as long as its server wants."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from chatbot_saas.lib import lease
from knowledge.models import Website


def claim(website_id: int) -> Website | None:
    """Take the lease of a website that is unfinished, that nobody holds and that need not wait."""
    wanted = Website.objects.filter(pk=website_id).unfinished().awake(timezone.now())
    if not (taken := lease.claim(wanted, not_before=None)):
        return None
    held = Website.objects.select_related("knowledge_base__client")
    return held.filter(pk=website_id, lease=taken).first()


def put_down(website: Website, seconds: float) -> float | None:
    """Give the lease back; nobody takes it before so many seconds have passed.

    The seconds again if a message must wake somebody then; None when they are so many that the
    sweep finds it: a message that waits for an hour is kept in some worker's memory, and lost
    with it or sent to another one too.
    """
    lease.renew(website, lease="", not_before=timezone.now() + timedelta(seconds=seconds))
    return seconds if seconds < settings.INGEST_LEASE_SECONDS else None


def abandoned(most: int) -> list[int]:
    """Unfinished websites that nobody has worked on for as long as a lease lasts."""
    stale = Website.objects.abandoned(lease.stale_since()).awake(timezone.now())
    return lease.abandoned(stale, most)
