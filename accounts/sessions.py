"""Where a person is logged in: the list of their sessions, and the end of them.

allauth's own list reads three rows for each session; this one needs the same few queries for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import devices
from accounts.models import User


@dataclass(frozen=True, slots=True)
class Place:
    """One session, as its person sees it."""

    number: int
    device: str
    address: str
    began_at: datetime
    seen_at: datetime
    is_this_one: bool


def of(user: User, this_one: str | None) -> list[Place]:
    """The person's live sessions, the one of this key first, then as they were last seen."""
    places = [_place(row, this_one) for row in _live(user)]
    return sorted(places, key=lambda one: (one.is_this_one, one.seen_at), reverse=True)


def find(user: User, number: str) -> UserSession | None:
    """The person's own session of this number."""
    rows = UserSession.objects.filter(user=user)
    return rows.filter(pk=number).first() if number.isdecimal() and len(number) < 19 else None


def end_others(user: User, this_one: str | None) -> None:
    end(UserSession.objects.filter(user=user).exclude(session_key=this_one))


@transaction.atomic
def end(rows: Iterable[UserSession]) -> None:
    """Log these out: their cookies are worth nothing from now on."""
    keys = [row.session_key for row in rows]
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()


def _live(user: User) -> list[UserSession]:
    """Those whose cookie still logs in; notes of others are dropped."""
    noted = list(UserSession.objects.filter(user=user))
    keys = [row.session_key for row in noted]
    stored = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    good = {row.session_key for row in stored if _is_of(user, row.get_decoded())}
    dead = [row.pk for row in noted if row.session_key not in good]
    if dead:
        UserSession.objects.filter(pk__in=dead).delete()
    return [row for row in noted if row.session_key in good]


def _is_of(user: User, session: Mapping[str, Any]) -> bool:
    """Whether Django would find this person behind the session; a new password ends older ones."""
    given = str(session.get(HASH_SESSION_KEY, ""))
    known = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    is_good = any(constant_time_compare(given, one) for one in known)
    return is_good and session.get(SESSION_KEY) == str(user.pk)


def _place(row: UserSession, this_one: str | None) -> Place:
    return Place(
        number=row.pk,
        device=devices.in_words(row.user_agent),
        address=row.ip,
        began_at=row.created_at,
        seen_at=row.last_seen_at,
        is_this_one=row.session_key == this_one,
    )
