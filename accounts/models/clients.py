"""Clients (paying tenants), and who belongs to them."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.people import User
from accounts.roles import Act, Role, may
from chatbot_saas.lib.ids import new_id


def new_client_id() -> str:
    return new_id("cli")


def new_membership_id() -> str:
    return new_id("mem")


def new_invitation_id() -> str:
    return new_id("inv")


class ClientQuerySet(models.QuerySet["Client"]):
    def due_for_deletion(self, now: datetime) -> ClientQuerySet:
        return self.filter(deletion_due_at__lte=now)


class Client(models.Model):
    """A paying tenant. Everything that a business owns hangs on its client row."""

    class Dashboard(models.TextChoices):
        """How much of the dashboard members see."""

        FULL = "full"
        BILLING = "billing", "billing and export"
        NONE = "none"

    public_id = models.CharField(max_length=32, unique=True, default=new_client_id, editable=False)
    name = models.CharField(max_length=120)
    website = models.URLField(max_length=300, blank=True)
    # Both are written by billing.reconcile alone.
    is_active = models.BooleanField(default=True)
    dashboard = models.CharField(max_length=8, choices=Dashboard, default=Dashboard.FULL)
    # Conversations older than this are deleted every night; never, while it is empty.
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    # Set while the client is closing: the moment from which on everything is deleted.
    deletion_due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="clients")

    objects = ClientQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_closing(self) -> bool:
        return self.deletion_due_at is not None


class MembershipQuerySet(models.QuerySet["Membership"]):
    def for_client(self, client: Client) -> MembershipQuerySet:
        return self.filter(client=client)

    def owners(self) -> MembershipQuerySet:
        return self.filter(role=Role.OWNER)

    def working(self) -> MembershipQuerySet:
        """Of people who may still log in."""
        return self.filter(user__is_active=True)


class Membership(models.Model):
    """One person's place in one client, and what they may do there (accounts.roles)."""

    Role = Role

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    public_id = models.CharField(
        max_length=32, unique=True, default=new_membership_id, editable=False
    )
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "user"], name="one_membership_per_client")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.client_id} as {self.role}"

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER

    def may(self, act: Act) -> bool:
        return may(Role(self.role), act)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def for_client(self, client: Client) -> InvitationQuerySet:
        return self.filter(client=client)

    def open(self) -> InvitationQuerySet:
        """Neither accepted nor taken back; they may have expired."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)

    def live_first(self) -> InvitationQuerySet:
        """The newest first, and those that expired after all that still work."""
        is_over = models.ExpressionWrapper(
            models.Q(expires_at__lte=timezone.now()), output_field=models.BooleanField()
        )
        return self.alias(is_over=is_over).order_by("is_over", "-pk")

    def usable(self, now: datetime | None = None) -> InvitationQuerySet:
        return self.open().filter(expires_at__gt=now or timezone.now())


class Invitation(models.Model):
    """A place in a client, offered to an address. Only the hash of its link is kept."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="invitations")
    public_id = models.CharField(
        max_length=32, unique=True, default=new_invitation_id, editable=False
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.EDITOR)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "client",
                Lower("email"),
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_open_invitation_per_address",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.client_id} as {self.role}"

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()
