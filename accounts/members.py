"""Who belongs to a client in which role: the rules, and the steps that keep them.

Each step locks the client's owners and reads both memberships anew: of two owners who leave at the
same moment one is the last, and who was demoted a moment ago may not decide any more.
"""

from __future__ import annotations

from django.db import transaction

from accounts.models import Membership
from accounts.roles import Act, Role
from chatbot_saas.lib.errors import Conflict, Forbidden, NotFound


class LastOwner(Conflict):
    """A client always has an owner who can log in."""

    def __init__(self) -> None:
        super().__init__("last_owner", "Somebody has to own it: make another member owner first.")


@transaction.atomic
def change_role(actor: Membership, member: Membership, role: Role) -> None:
    """Give `member` another role. Raises Forbidden, NotFound or LastOwner."""
    actor, member = _locked(actor, member)
    _require_over(actor, member, role)
    if member.is_owner and role != Role.OWNER:
        _require_another_owner(member)
    _set_role(member, role)


@transaction.atomic
def remove(actor: Membership, member: Membership) -> None:
    """Take `member` out of the client. Raises Forbidden, NotFound or LastOwner."""
    actor, member = _locked(actor, member)
    if actor.pk == member.pk:
        raise Conflict("yourself", "To go yourself, leave the company.")
    _require_over(actor, member)
    if member.is_owner:
        _require_another_owner(member)
    member.delete()


@transaction.atomic
def leave(member: Membership) -> None:
    """Go. Raises LastOwner."""
    member, _ = _locked(member, member)
    if member.is_owner:
        _require_another_owner(member)
    member.delete()


@transaction.atomic
def hand_over(actor: Membership, member: Membership) -> None:
    """Make `member` owner and the owner who says so an admin, in one step."""
    actor, member = _locked(actor, member)
    if not actor.may(Act.MANAGE_OWNERS):
        raise Forbidden("role", "Only an owner can hand the company over.")
    if actor.pk == member.pk:
        raise Conflict("yourself", "It is yours already.")
    if not member.user.is_active:
        raise Conflict("inactive", "This person cannot log in.")
    _set_role(member, Role.OWNER)
    _set_role(actor, Role.ADMIN)


def _locked(actor: Membership, member: Membership) -> tuple[Membership, Membership]:
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user")
    owners_and_both = rows.filter(client_id=actor.client_id).filter(
        pk__in=[actor.pk, member.pk]
    ) | rows.filter(client_id=actor.client_id, role=Role.OWNER)
    found = {row.pk: row for row in owners_and_both.order_by("pk")}
    if actor.pk not in found or member.pk not in found:
        raise NotFound("no_member", "This person is not a member any more.")
    return found[actor.pk], found[member.pk]


def _require_over(actor: Membership, member: Membership, role: Role | None = None) -> None:
    touches_owners = Role.OWNER in {member.role, role}
    needed = Act.MANAGE_OWNERS if touches_owners else Act.MANAGE_MEMBERS
    if not actor.may(needed):
        raise Forbidden("role", f"As {actor.role} you may not {needed.label}.")


def _require_another_owner(owner: Membership) -> None:
    others = Membership.objects.filter(client_id=owner.client_id).owners().working()
    if not others.exclude(pk=owner.pk).exists():
        raise LastOwner


def _set_role(member: Membership, role: Role) -> None:
    member.role = role
    member.save(update_fields=["role"])
