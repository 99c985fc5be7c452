"""A one-time way to the rotation of keys, for an owner who lost one. It never sends a key."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import audit, outbox
from accounts.audit import Action
from accounts.keys import digest_of
from accounts.models import Client, KeyLink, Membership, User
from accounts.roles import Role
from chatbot_saas.lib.errors import CallerError, NotFound


class LinkGone(CallerError):
    status = 410
    title = "This link has ended"


def send_to(email: str) -> None:
    """Mail each active client's owner of this address a link. Others get nothing.

    The worker's part: the request that asks for it answers before anything is looked up, so
    neither its words nor its time tell whether an address is known. What is lost with the broker
    can be asked for again, and no stranger's address stays behind in a row.
    """
    owned = Membership.objects.owners().working().filter(user__email__iexact=email)
    for membership in owned.filter(client__is_active=True).select_related("user", "client"):
        _send(membership.client, membership.user)


@transaction.atomic
def _send(client: Client, owner: User) -> None:
    token = secrets.token_urlsafe(32)
    KeyLink.objects.create(
        client=client,
        user=owner,
        digest=digest_of(token),
        expires_at=timezone.now() + timedelta(minutes=settings.KEY_LINK_MINUTES),
    )
    text = render_to_string(
        "accounts/mail/key_link.txt",
        {
            "client": client,
            "link": settings.SITE_URL + reverse("key_link", kwargs={"token": token}),
            "minutes": settings.KEY_LINK_MINUTES,
            "site_name": settings.SITE_NAME,
        },
    )
    outbox.send(owner.email, f"Rotate the API keys of {client.name}", text, client=client)
    audit.record_by_system(client, Action.KEY_LINK_SENT, owner.email)


def find(token: str, user: User) -> KeyLink:
    """The link behind this token, if it is this person's. Raises NotFound or LinkGone."""
    links = KeyLink.objects.select_related("client").filter(digest=digest_of(token), user=user)
    link = links.first()
    if link is None:
        raise NotFound("unknown_link", "This link is not for you, or was copied in part.")
    if link.used_at is not None or link.expires_at <= timezone.now():
        raise LinkGone(
            "link_ended",
            f"It was used already, or is older than {settings.KEY_LINK_MINUTES} minutes. "
            "Ask for a new one.",
        )
    return link


@transaction.atomic
def use(request: HttpRequest, link: KeyLink) -> Client:
    """Use the link up; the client whose keys may now be rotated. Raises LinkGone, NotFound."""
    # Between the mail and now the person may have been demoted, or the subscription have ended.
    still = Membership.objects.filter(client=link.client, user_id=link.user_id, role=Role.OWNER)
    if not still.filter(client__is_active=True).exists():
        raise NotFound("unknown_link", "This link is not for you any more.")
    if not KeyLink.objects.usable().filter(pk=link.pk).update(used_at=timezone.now()):
        raise LinkGone("link_ended", "It was used already. Ask for a new one.")
    audit.record(request, link.client, Action.KEY_LINK_USED)
    return link.client
