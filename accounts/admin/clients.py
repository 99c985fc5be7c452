"""What belongs to companies: members, invitations, keys. They themselves: chatbot_saas.admin."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import audit, invitations, keys
from accounts.audit import Action
from accounts.look_only import LookOnly, actor_of
from accounts.models import ApiKey, Invitation, Membership


@admin.register(Membership)
class MembershipAdmin(LookOnly):
    list_display = ("user", "client", "role", "created_at")
    list_filter = ("role", "created_at")
    search_fields = ("user__email", "client__name", "client__public_id")
    list_select_related = ("user", "client")
    ordering = ("-pk",)
    fields = ("public_id", "client", "user", "role", "created_at")


@admin.register(Invitation)
class InvitationAdmin(LookOnly):
    list_display = ("email", "client", "role", "created_at", "expires_at", "accepted_at")
    list_filter = ("role", "created_at")
    search_fields = ("email", "client__name", "client__public_id")
    list_select_related = ("client",)
    ordering = ("-pk",)
    fields = (
        "public_id",
        "client",
        "email",
        "role",
        "invited_by",
        "created_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )
    actions = ("send_again",)

    @admin.action(description="Mail new links to those chosen", permissions=["step"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        chosen = list(Invitation.objects.open().filter(pk__in=queryset).select_related("client"))
        for invitation in chosen:
            with transaction.atomic():
                invitations.renew(invitation)
                audit.record_by_system(
                    invitation.client,
                    Action.INVITATION_SENT_AGAIN,
                    invitation.email,
                    actor=actor_of(request),
                )
        self.message_user(request, f"{len(chosen)} mailed.", messages.SUCCESS)


@admin.register(ApiKey)
class ApiKeyAdmin(LookOnly):
    list_display = ("prefix", "name", "client", "mode", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("mode", "created_at", "revoked_at")
    search_fields = ("prefix", "name", "public_id", "client__name", "client__public_id")
    list_select_related = ("client",)
    ordering = ("-pk",)
    actions = ("revoke",)
    fields = (
        "public_id",
        "client",
        "name",
        "prefix",
        "mode",
        "scopes",
        "created_by",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
        "replaced_by",
    )

    @admin.action(description="Revoke the keys chosen", permissions=["step"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = 0
        for key in queryset.filter(revoked_at__isnull=True).select_related("client"):
            with transaction.atomic():
                if keys.revoke(key):
                    target = f"{key.name} ({key.prefix}…)"
                    actor = actor_of(request)
                    audit.record_by_system(key.client, Action.KEY_REVOKED, target, actor=actor)
                    revoked += 1
        self.message_user(request, f"{revoked} revoked.", messages.SUCCESS)
