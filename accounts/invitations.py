"""Invite a colleague, and accept an invitation. The link is mailed; only its hash is kept."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import audit, limits, outbox, permits
from accounts.audit import Action
from accounts.keys import digest_of
from accounts.models import Client, Invitation, Membership, User
from accounts.roles import Act, Role
from chatbot_saas.lib.errors import CallerError, Conflict, Forbidden, NotFound


class InvitationGone(CallerError):
    status = 410
    title = "This invitation has ended"


class SomebodyElses(Forbidden):
    title = "This invitation is for somebody else"


@transaction.atomic
def invite(request: HttpRequest, actor: Membership, email: str, role: Role) -> Invitation:
    """Offer `email` a place. Whoever was invited already gets a new link, and the old one ends."""
    if role == Role.OWNER and not actor.may(Act.MANAGE_OWNERS):
        raise Forbidden("role", f"As {actor.role} you may not {Act.MANAGE_OWNERS.label}.")
    client = actor.client
    limits.spend(request, "invitation_client", client.public_id)
    if client.memberships.filter(user__email__iexact=email).exists():
        raise Conflict("member", f"{email} is a member already.")
    # Of two invitations at once the second waits here and counts the first.
    permits.require_seat_for(Client.objects.select_for_update().get(pk=client.pk), email)
    Invitation.objects.for_client(client).open().filter(email__iexact=email).update(
        revoked_at=timezone.now()
    )
    invitation = _make(client, actor.user, email, role)
    audit.record(request, client, Action.MEMBER_INVITED, email, role=role)
    return invitation


@transaction.atomic
def send_again(request: HttpRequest, invitation: Invitation) -> None:
    """A new link to the same address, good from now; the old one ends."""
    limits.spend(request, "invitation_client", invitation.client.public_id)
    renew(invitation)
    audit.record(request, invitation.client, Action.INVITATION_SENT_AGAIN, invitation.email)


@transaction.atomic
def renew(invitation: Invitation) -> None:
    """Mail a new link; who asked for it is the caller's to note. Raises Conflict."""
    if invitation.accepted_at or invitation.revoked_at:
        raise Conflict("ended", "This invitation was accepted or taken back.")
    token = _new_link(invitation)
    invitation.save(update_fields=["digest", "expires_at"])
    _mail(invitation, token)


@transaction.atomic
def revoke(request: HttpRequest, invitation: Invitation) -> None:
    still = Invitation.objects.open().filter(pk=invitation.pk)
    if still.update(revoked_at=timezone.now()):
        audit.record(request, invitation.client, Action.INVITATION_REVOKED, invitation.email)


def find(token: str) -> Invitation:
    """The open invitation behind a link. Raises NotFound or InvitationGone."""
    rows = Invitation.objects.select_related("client", "invited_by")
    invitation = rows.filter(digest=digest_of(token)).first()
    if invitation is None:
        raise NotFound("unknown_invitation", "This link is unknown, or was copied in part.")
    if invitation.accepted_at is not None:
        raise InvitationGone("accepted", "It was accepted already: just log in.")
    if invitation.revoked_at is not None or invitation.has_expired:
        raise InvitationGone("ended", "Ask whoever invited you for a new one.")
    return invitation


def waiting_for(user: User) -> list[Invitation]:
    """Open invitations to a person's own address."""
    usable = Invitation.objects.usable().filter(email__iexact=user.email)
    return list(usable.select_related("client").order_by("pk"))


@transaction.atomic
def accept(request: HttpRequest, invitation: Invitation, user: User) -> Membership:
    """Join. Raises SomebodyElses for other addresses than the invited one, InvitationGone."""
    if user.email.lower() != invitation.email.lower():
        raise SomebodyElses(
            "other_address",
            f"It was sent to another address than {user.email}. Log out, and log in with the "
            "address that it was sent to.",
        )
    taken = Invitation.objects.usable().filter(pk=invitation.pk)
    if not taken.update(accepted_at=timezone.now()):
        raise InvitationGone("ended", "It was accepted or taken back already.")
    # Of two who join at once the second waits here and counts the first.
    client = Client.objects.select_for_update().get(pk=invitation.client_id)
    membership = Membership.objects.filter(client=client, user=user).first()
    if membership is None:
        permits.require_free_seat(client)
        membership = Membership.objects.create(client=client, user=user, role=invitation.role)
        audit.record(
            request, invitation.client, Action.MEMBER_JOINED, invitation.email, role=membership.role
        )
    return membership


def _make(client: Client, by: User, email: str, role: Role) -> Invitation:
    invitation = Invitation(client=client, email=email, role=role, invited_by=by)
    token = _new_link(invitation)
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError as error:
        raise Conflict("invited", f"{email} is being invited already.") from error
    _mail(invitation, token)
    return invitation


def _new_link(invitation: Invitation) -> str:
    token = secrets.token_urlsafe(32)
    invitation.digest = digest_of(token)
    invitation.expires_at = timezone.now() + timedelta(days=settings.INVITATION_DAYS)
    return token


def _mail(invitation: Invitation, token: str) -> None:
    text = render_to_string(
        "accounts/mail/invitation.txt",
        {
            "invitation": invitation,
            "link": settings.SITE_URL + reverse("invitation", kwargs={"token": token}),
            "site_name": settings.SITE_NAME,
        },
    )
    subject = f"You are invited to {invitation.client.name} on {settings.SITE_NAME}"
    outbox.send(invitation.email, subject, text, client=invitation.client)
