"""Staff who work as a member, to see what they see (django-hijack)."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver
from django.http import HttpRequest
from hijack import signals

from accounts import audit
from accounts.audit import Action
from accounts.models import User


def may_impersonate(*, hijacker: User, hijacked: User | None) -> bool:
    """Staff may work as members, never as other staff: that would lend them foreign rights."""
    if hijacked is None or not hijacked.is_active or hijacked.is_staff or hijacked.is_superuser:
        return False
    return hijacker.is_staff and hijacker.has_perm("accounts.change_user")


@receiver(signals.hijack_started)
def note_start(request: HttpRequest, hijacker: User, hijacked: User, **_: Any) -> None:
    _note(request, hijacker, hijacked, Action.IMPERSONATION_STARTED)


@receiver(signals.hijack_ended)
def note_end(request: HttpRequest, hijacker: User, hijacked: User, **_: Any) -> None:
    _note(request, hijacker, hijacked, Action.IMPERSONATION_ENDED)


def _note(request: HttpRequest, hijacker: User, hijacked: User, action: Action) -> None:
    """In the log of every client of that person: their owners should see it."""
    for membership in hijacked.memberships.select_related("client"):
        audit.record_by_system(
            membership.client,
            action,
            hijacked.email,
            actor=f"support ({hijacker.email})",
        )
