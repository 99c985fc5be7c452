"""Billing for our staff. dj-stripe's own admin pages show the secret key: they are taken out."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

from accounts.look_only import LookOnly
from billing.models import BillingState

for model in apps.get_app_config("djstripe").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(BillingState)
class BillingStateAdmin(LookOnly):
    """Changed by the steps on the client's page; what was done stands in the audit log."""

    list_display = ("client", "suspended_at", "grace_until", "complimentary_until")
    list_filter = ("suspended_at", "grace_until", "complimentary_until")
    search_fields = ("client__name", "client__public_id")
    list_select_related = ("client",)
    ordering = ("-pk",)
    fields = (
        "client",
        "suspended_at",
        "suspended_reason",
        "grace_until",
        "complimentary_until",
    )
