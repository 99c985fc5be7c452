"""Make a company, and change what it says about itself."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client, Membership, User
from accounts.roles import Role
from chatbot_saas.lib.errors import Conflict

MOST_COMPANIES = 20
# A second press of the button within this time means the first one.
SAME_PRESS = timedelta(minutes=1)


def _made_just_now(user: User, name: str) -> Client | None:
    """The company of this name that the person made a moment ago."""
    recent = Client.objects.filter(memberships__user=user, memberships__role=Role.OWNER, name=name)
    return recent.filter(created_at__gt=timezone.now() - SAME_PRESS).first()


@transaction.atomic
def create(user: User, name: str, website: str) -> Client:
    """A company with its owner; the same one when the button was pressed twice.

    Raises Conflict for somebody who has very many already.
    """
    # Of two presses at once the second waits here until the first one's company is there.
    User.objects.select_for_update().get(pk=user.pk)
    if (same := _made_just_now(user, name)) is not None:
        return same
    if user.memberships.filter(role=Role.OWNER).count() >= MOST_COMPANIES:
        raise Conflict("too_many_companies", f"One person may own {MOST_COMPANIES} companies.")
    client = Client.objects.create(name=name, website=website)
    Membership.objects.create(client=client, user=user, role=Role.OWNER)
    return client


@transaction.atomic
def change(request: HttpRequest, client: Client, name: str, website: str) -> None:
    wanted = {"name": name, "website": website}
    changed = {field: text for field, text in wanted.items() if getattr(client, field) != text}
    if not changed:
        return
    before = {field: getattr(client, field) for field in changed}
    for field, text in changed.items():
        setattr(client, field, text)
    client.save(update_fields=list(changed))
    told = {field: f"{before[field]} → {text}" for field, text in changed.items()}
    audit.record(request, client, Action.CLIENT_CHANGED, **told)
