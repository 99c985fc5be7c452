"""allauth's own rows, to look at. Its ready-made pages show secrets and let them be edited."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin

from accounts.look_only import LookOnly

for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(EmailAddress)
class EmailAddressAdmin(LookOnly):
    list_display = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    search_fields = ("email", "user__email")
    list_select_related = ("user",)
    ordering = ("-pk",)
    fields = ("email", "user", "primary", "verified")


@admin.register(Authenticator)
class AuthenticatorAdmin(LookOnly):
    """Which second factors a person has; what they consist of is nobody's business."""

    list_display = ("kind", "user", "created_at", "last_used_at")
    list_filter = ("type", "created_at")
    search_fields = ("user__email",)
    list_select_related = ("user",)
    ordering = ("-pk",)
    fields = ("kind", "user", "created_at", "last_used_at")

    @admin.display(description="type", ordering="type")
    def kind(self, row: Authenticator) -> str:
        return str(row.get_type_display())


@admin.register(SocialAccount)
class SocialAccountAdmin(LookOnly):
    list_display = ("provider", "user", "date_joined", "last_login")
    list_filter = ("provider",)
    search_fields = ("user__email",)
    list_select_related = ("user",)
    ordering = ("-pk",)
    fields = ("provider", "user", "date_joined", "last_login")


@admin.register(UserSession)
class UserSessionAdmin(LookOnly):
    list_display = ("user", "ip", "user_agent", "created_at", "last_seen_at")
    list_filter = ("last_seen_at",)
    search_fields = ("user__email", "ip")
    list_select_related = ("user",)
    ordering = ("-last_seen_at",)
    fields = ("user", "ip", "user_agent", "created_at", "last_seen_at")
