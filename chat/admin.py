"""Bots and conversations for our staff.

What visitors and bots said to each other is not shown: it is the client's. Staff who must see it
to help log in as a member, which that client's owners find in their audit log.
"""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from accounts.look_only import LookOnly
from chat.models import Bot, Conversation, Sighting


@admin.register(Bot)
class BotAdmin(LookOnly):
    list_display = ("name", "client", "knowledge_base", "theme", "created_at", "styled_at")
    list_filter = ("theme", "position", "created_at")
    search_fields = ("name", "public_id", "client__name", "client__public_id")
    list_select_related = ("client", "knowledge_base")
    ordering = ("-pk",)
    fields = (
        "public_id",
        "client",
        "knowledge_base",
        "name",
        "instructions",
        "allowed_domains",
        "greeting",
        "placeholder",
        "suggestions",
        "color",
        "theme",
        "position",
        "created_at",
        "styled_at",
    )


@admin.register(Conversation)
class ConversationAdmin(LookOnly):
    list_display = ("public_id", "client", "bot", "channel", "messages", "last_message_at")
    list_filter = ("channel", "started_at")
    search_fields = ("public_id", "bot__name", "bot__client__name", "bot__client__public_id")
    ordering = ("-pk",)
    fields = ("public_id", "client", "bot", "channel", "messages", "started_at", "last_message_at")
    readonly_fields = ("client", "messages")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        rows: QuerySet[Conversation] = super().get_queryset(request)
        shown = rows.select_related("bot__client").defer("visitor", "page_url")
        return shown.annotate(said=Count("messages"))

    @admin.display(ordering="bot__client__name")
    def client(self, conversation: Conversation) -> str:
        return conversation.bot.client.name

    @admin.display(ordering="said")
    def messages(self, conversation: Conversation) -> int:
        return int(conversation.said)  # type: ignore[attr-defined]


@admin.register(Sighting)
class SightingAdmin(LookOnly):
    list_display = ("origin", "bot", "client", "refused", "count", "first_at", "last_at")
    list_filter = ("refused", "last_at")
    search_fields = ("origin", "bot__name", "bot__client__name", "bot__client__public_id")
    list_select_related = ("bot__client",)
    ordering = ("-last_at",)
    fields = ("origin", "bot", "refused", "count", "first_at", "last_at")

    @admin.display(ordering="bot__client__name")
    def client(self, sighting: Sighting) -> str:
        return sighting.bot.client.name
