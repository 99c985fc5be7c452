"""What we ask of our own staff before they see clients' data."""

from __future__ import annotations

from allauth.mfa.adapter import get_adapter
from django.conf import settings

from accounts.models import User


def lacks_second_factor(user: User) -> bool:
    """Whether this member of staff has to set up a second factor first."""
    return settings.STAFF_NEED_SECOND_FACTOR and not get_adapter().is_mfa_enabled(user)


def support_name(user: User) -> str:
    """How a member of staff stands in clients' audit logs."""
    return f"support ({user.email})"
