"""The audit log: one function that writes it, and the names of what is written."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.http import HttpRequest

from accounts.limits import address_of
from accounts.models import ApiKey, AuditEvent, Client, User

SYSTEM = "the system"
IMPERSONATION = "hijack_history"  # django-hijack's own name in the session


class Action(models.TextChoices):
    CLIENT_CREATED = "client.created", "created the company"
    CLIENT_CHANGED = "client.changed", "changed the company"
    CLIENT_SUSPENDED = "client.suspended", "suspended the company"
    CLIENT_RESUMED = "client.resumed", "lifted the suspension"
    CLIENT_GRACE = "client.grace", "extended the grace period"
    CLIENT_GIFT = "client.gift", "gave free time to"
    CLIENT_SYNCED = "client.synced", "looked at Stripe again for"
    BILLING_CHANGED = "billing.standing", "billing stands at"
    PLAN_CHANGED = "billing.plan", "plan is now"
    CHECKOUT_STARTED = "billing.checkout", "went to pay for"
    PLAN_ORDERED = "billing.order", "changed the plan to"
    PLAN_ORDER_UNDONE = "billing.undone", "took back the change of plan"
    SUBSCRIPTION_CANCELED = "billing.cancel", "cancelled the subscription"
    SUBSCRIPTION_RESUMED = "billing.resume", "resumed the subscription"
    OVERAGE_CHANGED = "billing.overage", "set further answers to"
    CLIENT_REINDEXED = "client.reindexed", "rebuilt the index"
    CLIENT_CLOSING = "client.closing", "asked for deletion"
    CLIENT_KEPT = "client.kept", "took the deletion back"
    CLIENT_DELETED = "client.deleted", "deleted a company"
    MAILS_SENT_AGAIN = "client.mails", "sent waiting mails again of"
    MEMBER_INVITED = "member.invited", "invited"
    MEMBER_JOINED = "member.joined", "joined"
    MEMBER_ROLE = "member.role", "changed the role of"
    MEMBER_REMOVED = "member.removed", "removed"
    MEMBER_LEFT = "member.left", "left"
    INVITATION_SENT_AGAIN = "invitation.resent", "sent the invitation again to"
    INVITATION_REVOKED = "invitation.revoked", "took back the invitation of"
    OWNERSHIP_HANDED_OVER = "member.handover", "handed the company over to"
    KEY_CREATED = "key.created", "created API key"
    KEY_ROTATED = "key.rotated", "rotated API key"
    KEY_REVOKED = "key.revoked", "revoked API key"
    KEY_LINK_SENT = "key.link_sent", "was sent a link to rotate keys"
    KEY_LINK_USED = "key.link_used", "followed a link to rotate keys"
    SOURCE_ADDED = "source.added", "added source"
    SOURCE_QUEUED_AGAIN = "source.again", "had source read again"
    SOURCE_REPLACED = "source.replaced", "gave a new version to source"
    SOURCE_DELETED = "source.deleted", "deleted source"
    FAQ_ADDED = "faq.added", "added the answer to"
    FAQ_CHANGED = "faq.changed", "changed the answer to"
    FAQ_DELETED = "faq.deleted", "deleted the answer to"
    FAQS_IMPORTED = "faq.imported", "imported questions and answers into"
    WEBSITE_ADDED = "website.added", "added website"
    WEBSITE_TAKEN = "website.taken", "took the pages found on"
    WEBSITE_CHECKED = "website.checked", "looked for changes on"
    WEBSITE_STOPPED = "website.stopped", "stopped reading"
    WEBSITE_DELETED = "website.deleted", "deleted website"
    MODEL_CHANGED = "knowledge.model", "changed the search model to"
    INDEX_MOVED = "knowledge.moved", "moved the index of"
    MODEL_KEPT = "knowledge.model_kept", "took back the change of the search model to"
    BOT_CHANGED = "bot.changed", "changed the widget"
    DOMAIN_ALLOWED = "bot.domain", "allowed website"
    CONVERSATION_DELETED = "conversation.deleted", "deleted conversation"
    RETENTION_CHANGED = "data.retention", "set retention to"
    EXPORT_REQUESTED = "data.export", "asked for an export"
    EXPORT_DOWNLOADED = "data.export_downloaded", "downloaded an export"
    PERSON_LOGGED_IN = "person.login", "logged in"
    PERSON_PASSWORD = "person.password", "changed their password"
    PERSON_PASSWORD_RESET = "person.password_reset", "reset their password by mail"
    PERSON_EMAIL = "person.email", "changed their e-mail address to"
    PERSON_FACTOR_ADDED = "person.factor_added", "added to their log-in:"
    PERSON_FACTOR_RENEWED = "person.factor_renewed", "replaced their"
    PERSON_FACTOR_REMOVED = "person.factor_removed", "removed from their log-in:"
    PERSON_FACTOR_FAILED = "person.factor_failed", "gave a wrong second factor"
    PERSON_CHANGED = "staff.person", "support changed the account of"
    IMPERSONATION_STARTED = "staff.started", "support logged in as"
    IMPERSONATION_ENDED = "staff.ended", "support logged out of"


def sentence(action: str) -> str:
    """What was done, in words."""
    return Action(action).label if action in Action.values else action


class Actor(str):
    """The name of somebody who is no member, such as our staff, and from where they acted.

    It is a name wherever one is passed on, so no step on the way can lose the address.
    """

    __slots__ = ("address",)
    address: str

    def __new__(cls, name: str, request: HttpRequest) -> Self:
        actor = super().__new__(cls, name)
        actor.address = address_of(request)[:45]
        return actor


def record(
    request: HttpRequest,
    client: Client,
    action: Action,
    target: str = "",
    **details: object,
) -> AuditEvent:
    """Note what the person (or key) behind this request did; call it in the same transaction."""
    user = getattr(request, "user", None)
    person = user if isinstance(user, User) else None
    return AuditEvent.objects.create(
        client=client,
        actor_id=person.pk if person else None,
        actor_name=person.email if person else _program(request),
        staff_name=_impersonator(request),
        action=action,
        target=target[:254],
        details=details,
        address=address_of(request)[:45],
    )


def record_by_system(
    client: Client | None,
    action: Action,
    target: str = "",
    *,
    actor: str = SYSTEM,
    **details: object,
) -> AuditEvent:
    """Note what happened by itself, or what staff did to a client (`actor`)."""
    return AuditEvent.objects.create(
        client=client,
        actor_name=str(actor),
        action=action,
        target=target[:254],
        details=details,
        address=actor.address if isinstance(actor, Actor) else "",
    )


def record_of_person(
    request: HttpRequest, person: User, action: Action, target: str = "", **details: object
) -> None:
    """Note what a person did to their own account, for each client that they belong to.

    Of who is just logging in, the request does not know yet who they are.
    """
    AuditEvent.objects.bulk_create(
        AuditEvent(
            client_id=client_id,
            actor_id=person.pk,
            actor_name=person.email,
            action=action,
            target=target[:254],
            details=details,
            address=address_of(request)[:45],
        )
        for client_id in person.memberships.order_by("pk").values_list("client_id", flat=True)
    )


def _program(request: HttpRequest) -> str:
    key = getattr(request, "auth", None)
    return f"API key {key.prefix}…" if isinstance(key, ApiKey) else SYSTEM


def _impersonator(request: HttpRequest) -> str:
    """The member of our staff who works as somebody else in this session (django-hijack)."""
    session = getattr(request, "session", None)
    history = session.get(IMPERSONATION, []) if session is not None else []
    if not history:
        return ""
    staff = User.objects.filter(pk=history[0]).first()
    return staff.email if staff else "staff"
