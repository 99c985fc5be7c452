"""Staff who work as a member, to see what they see (django-hijack)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from hijack import signals

from accounts import audit
from accounts.audit import IMPERSONATION, Action, Actor
from accounts.models import User
from accounts.roles import Act
from accounts.staff import lacks_second_factor, support_name
from chatbot_saas.lib.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What support may change in somebody's name. All else is refused, also what is added later: the
# person's own, and what would outlive the visit (credentials, keys, memberships, plans, copies).
MAY_CHANGE = frozenset(
    {
        Act.TRY,
        Act.EDIT_KNOWLEDGE,
        Act.EDIT_WIDGET,
        Act.DELETE_CONVERSATIONS,
        Act.EDIT_COMPANY,
    }
)
# Addresses whose views wear no act: the API of the first three acts, another company, the way out.
MAY_POST_TO = frozenset(
    {
        "documents",
        "document",
        "direct_uploads",
        "direct_upload",
        "finish_upload",
        "document_sync_api",
        "search",
        "switch_client",
        "account_logout",
        "hijack:release",
    }
)
# Not even to be looked at: pages of the person's own account, and copies of everything.
CLOSED = "/accounts/"
CLOSED_NAMES = frozenset({"export"})


def may_impersonate(*, hijacker: User, hijacked: User | None) -> bool:
    """Staff may work as members, never as other staff: that would lend them foreign rights."""
    if hijacked is None or not hijacked.is_active or hijacked.is_staff or hijacked.is_superuser:
        return False
    if not hijacker.is_staff or lacks_second_factor(hijacker):
        return False
    return hijacker.has_perm("accounts.change_user")


def refusal(request: HttpRequest) -> Forbidden | None:
    """Why this request is not for staff who work as somebody else; None when it is."""
    if not request.session.get(IMPERSONATION) or _is_allowed(request):
        return None
    return Forbidden("impersonating", "Support cannot do this in somebody else's name.")


def _is_allowed(request: HttpRequest) -> bool:
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return True  # there is nothing
    if match.view_name in MAY_POST_TO:
        return True
    if request.path_info.startswith(CLOSED) or match.view_name in CLOSED_NAMES:
        return False
    return request.method in SAFE or getattr(match.func, "act", None) in MAY_CHANGE


@receiver(signals.hijack_started)
def note_start(request: HttpRequest, hijacker: User, hijacked: User, **_: Any) -> None:
    _note(request, hijacker, hijacked, Action.IMPERSONATION_STARTED)


@receiver(signals.hijack_ended)
def note_end(request: HttpRequest, hijacker: User, hijacked: User, **_: Any) -> None:
    _note(request, hijacker, hijacked, Action.IMPERSONATION_ENDED)


@receiver(user_logged_out)
def note_log_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    """Logging out ends it as well, without going back."""
    history = request.session.get(IMPERSONATION) if hasattr(request, "session") else None
    hijacker = User.objects.filter(pk=history[0]).first() if history else None
    if hijacker and user:
        _note(request, hijacker, user, Action.IMPERSONATION_ENDED)


def _note(request: HttpRequest, hijacker: User, hijacked: User, action: Action) -> None:
    """In the log of every client of that person: their owners should see it."""
    actor = Actor(support_name(hijacker), request)
    for membership in hijacked.memberships.select_related("client"):
        audit.record_by_system(membership.client, action, hijacked.email, actor=actor)
