"""What is written down by itself: audit log, mails, exports, browsers' reports."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import outbox
from accounts.look_only import LookOnly, staff_of
from accounts.models import AuditEvent, CspReport, Export, OutboxEmail


@admin.register(AuditEvent)
class AuditEventAdmin(LookOnly):
    list_display = ("at", "client", "actor_name", "staff_name", "action", "target", "address")
    list_filter = ("action", "at")
    search_fields = ("client__name", "client__public_id", "actor_name", "target")
    list_select_related = ("client",)
    ordering = ("-pk",)
    fields = (
        "at",
        "client",
        "actor_name",
        "staff_name",
        "action",
        "target",
        "details",
        "address",
    )


@admin.register(OutboxEmail)
class OutboxEmailAdmin(LookOnly):
    """Texts hold codes and links: they are not for us."""

    list_display = (
        "created_at",
        "recipient",
        "client",
        "subject",
        "state",
        "attempts",
        "error",
        "sent_at",
    )
    list_filter = ("state", "created_at")
    search_fields = ("recipient", "subject", "client__name", "client__public_id")
    list_select_related = ("client",)
    ordering = ("-pk",)
    actions = ("send_again",)
    fields = (
        "recipient",
        "client",
        "sender",
        "subject",
        "state",
        "attempts",
        "error",
        "created_at",
        "not_before",
        "sent_at",
    )

    @admin.action(description="Send the chosen mails now", permissions=["step"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxEmail]) -> None:
        chosen, queued = queryset.count(), outbox.send_again(queryset)
        said = f"{queued} queued. {chosen - queued} were sent already, or given up long ago."
        self.message_user(request, said, messages.SUCCESS)


@admin.register(Export)
class ExportAdmin(LookOnly):
    list_display = ("public_id", "client", "state", "bytes", "attempts", "created_at", "ready_at")
    list_filter = ("state", "created_at")
    search_fields = ("public_id", "client__name", "client__public_id")
    list_select_related = ("client",)
    ordering = ("-pk",)
    fields = (
        "public_id",
        "client",
        "requested_by",
        "state",
        "progress",
        "bytes",
        "error",
        "attempts",
        "heartbeat_at",
        "created_at",
        "ready_at",
        "expires_at",
    )


@admin.register(CspReport)
class CspReportAdmin(LookOnly):
    list_display = ("last_at", "directive", "blocked", "page", "source", "count")
    list_filter = ("directive", "last_at")
    search_fields = ("blocked", "page", "source")
    ordering = ("-last_at",)
    fields = ("directive", "blocked", "page", "source", "count", "first_at", "last_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return staff_of(request).has_perm("accounts.delete_cspreport")
