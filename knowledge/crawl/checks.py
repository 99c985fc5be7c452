"""Begin to look at a website again: its pages wait anew, and those deleted by hand stay out."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from knowledge.models import WebPage, Website

DELETED_BY_HAND = "It was deleted by hand, and stays out."

State = WebPage.State


def begin(website: Website) -> bool:
    """False when somebody works on it already, or it waits for an answer."""
    with transaction.atomic():
        at_rest = Website.objects.filter(
            pk=website.pk, state__in=[Website.State.READY, Website.State.FAILED]
        )
        begun = {"state": Website.State.CHECKING, "error": "", "lease": "", "not_before": None}
        if not at_rest.update(**begun, run=website.run + 1, heartbeat_at=timezone.now()):
            return False
        _queue(website)
    return True


def begin_due(most: int) -> list[int]:
    """The websites whose time has come, begun."""
    due = Website.objects.due(timezone.now()).order_by("next_check_at")[:most]
    return [website.pk for website in due if begin(website)]


def _queue(website: Website) -> None:
    pages = website.pages
    deleted = pages.filter(state=State.TAKEN, source__isnull=True)
    deleted.update(state=State.LEFT_OUT, error=DELETED_BY_HAND)
    # What is linked still will be found again.
    pages.filter(state=State.GONE, source__isnull=True, depth__gt=0).delete()
    again = [State.TAKEN, State.SAME, State.FAILED, State.GONE, State.DONE]
    pages.filter(state__in=again).update(state=State.QUEUED, attempts=0)
