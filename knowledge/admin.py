"""Knowledge for our staff: what state it is in, not what it says."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import audit
from accounts.audit import Action
from accounts.look_only import LookOnly, actor_of
from chatbot_saas.lib.errors import Conflict
from knowledge import change_model, sources
from knowledge.embedding import default_model
from knowledge.models import Faq, KnowledgeBase, Source, Website


@admin.register(KnowledgeBase)
class KnowledgeBaseAdmin(LookOnly):
    list_display = (
        "name",
        "client",
        "language",
        "embedding_model",
        "live_passages",
        "index_problem",
        "index_checked_at",
    )
    list_filter = ("language", "embedding_model", ("index_problem", admin.EmptyFieldListFilter))
    search_fields = ("name", "public_id", "client__name", "client__public_id")
    list_select_related = ("client",)
    ordering = ("-pk",)
    actions = ("reembed",)
    fields = (
        "public_id",
        "client",
        "name",
        "language",
        "embedding_model",
        "generation",
        "live_passages",
        "live_terms",
        "shard",
        "index_problem",
        "index_checked_at",
    )

    @admin.action(description="Change to this server's usual search model", permissions=["step"])
    def reembed(self, request: HttpRequest, queryset: QuerySet[KnowledgeBase]) -> None:
        for base in queryset.select_related("client"):
            try:
                change = change_model.begin(base, default_model(base.language))
            except Conflict as error:
                self.message_user(request, f"{base.name}: {error.message}", messages.WARNING)
                continue
            title = change.model.title
            audit.record_by_system(
                base.client, Action.MODEL_CHANGED, title, actor=actor_of(request)
            )
            self.message_user(request, f"{base.name}: changing to {title}.", messages.SUCCESS)


@admin.register(Source)
class SourceAdmin(LookOnly):
    list_display = ("title", "client", "format", "state", "error", "attempts", "created_at")
    list_filter = ("state", "format", "created_at")
    search_fields = (
        "title",
        "public_id",
        "knowledge_base__client__name",
        "knowledge_base__client__public_id",
    )
    list_select_related = ("knowledge_base__client",)
    ordering = ("-pk",)
    actions = ("queue_again",)
    fields = (
        "public_id",
        "knowledge_base",
        "title",
        "format",
        "bytes",
        "characters",
        "state",
        "progress",
        "error",
        "note",
        "attempts",
        "version",
        "live_version",
        "indexed_version",
        "heartbeat_at",
        "created_at",
        "ready_at",
    )

    @admin.display(ordering="knowledge_base__client__name")
    def client(self, source: Source) -> str:
        return source.knowledge_base.client.name

    @admin.action(description="Queue the failed ones chosen again", permissions=["step"])
    def queue_again(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        for source in queryset.select_related("knowledge_base__client"):
            try:
                sources.retry(source)
            except Conflict as error:
                self.message_user(request, f"{source.title}: {error.message}", messages.WARNING)
                continue
            audit.record_by_system(
                source.knowledge_base.client,
                Action.SOURCE_QUEUED_AGAIN,
                source.title,
                actor=actor_of(request),
            )
            self.message_user(request, f"{source.title}: queued.", messages.SUCCESS)


@admin.register(Faq)
class FaqAdmin(LookOnly):
    list_display = ("question", "client", "category", "priority", "state", "updated_at")
    list_filter = ("priority", "source__state", "updated_at")
    search_fields = (
        "question",
        "public_id",
        "knowledge_base__client__name",
        "knowledge_base__client__public_id",
    )
    list_select_related = ("knowledge_base__client", "source")
    ordering = ("-pk",)
    fields = (
        "public_id",
        "knowledge_base",
        "source",
        "question",
        "category",
        "priority",
        "created_at",
        "updated_at",
    )

    @admin.display(ordering="knowledge_base__client__name")
    def client(self, faq: Faq) -> str:
        return faq.knowledge_base.client.name

    @admin.display(ordering="source__state")
    def state(self, faq: Faq) -> str:
        return faq.source.state


@admin.register(Website)
class WebsiteAdmin(LookOnly):
    list_display = ("url", "client", "mode", "state", "error", "last_checked_at")
    list_filter = ("state", "mode", "schedule")
    search_fields = (
        "url",
        "public_id",
        "knowledge_base__client__name",
        "knowledge_base__client__public_id",
    )
    list_select_related = ("knowledge_base__client",)
    ordering = ("-pk",)
    fields = (
        "public_id",
        "knowledge_base",
        "url",
        "mode",
        "limit",
        "depth",
        "include",
        "exclude",
        "schedule",
        "state",
        "error",
        "run",
        "heartbeat_at",
        "created_at",
        "last_checked_at",
        "next_check_at",
    )

    @admin.display(ordering="knowledge_base__client__name")
    def client(self, website: Website) -> str:
        return website.knowledge_base.client.name
