"""What a client may do now. Its plan and payments decide, which lie a layer above: the settings
name the functions that are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import Client


def require_edit(client: Client) -> None:
    """Raise settings.EDIT_CHECK's error (402) for a client that may look but not change things."""
    _named(settings.EDIT_CHECK)(client)


def require_seat_for(client: Client, email: str) -> None:
    """Raise settings.SEAT_CHECK's error (402) when members and open invitations fill all places.

    Whoever was invited already, at `email`, takes no further place.
    """
    waiting = client.invitations.usable().exclude(email__iexact=email)
    _named(settings.SEAT_CHECK)(client, client.memberships.count() + waiting.count())


def require_free_seat(client: Client) -> None:
    """The same for somebody who joins now: the plan may be a smaller one since the invitation."""
    _named(settings.SEAT_CHECK)(client, client.memberships.count())


def _named(path: str) -> Callable[..., Any]:
    function: Callable[..., Any] = import_string(path)
    return function
