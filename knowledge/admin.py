"""Knowledge for our staff: what state it is in, not what it says."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import audit
from accounts.audit import Action
from accounts.look_only import LookOnly, actor_of
from accounts.models import Client
from chatbot_saas.lib.errors import Conflict
from knowledge import change_model, moving, sources
from knowledge.embedding import default_model
from knowledge.models import Faq, IndexServer, KnowledgeBase, Source, Website
from knowledge.vectors import shards


class ServerFilter(admin.SimpleListFilter):
    """Those on one of the Chroma servers. Django's own filter shows no name of the usual one."""

    title = "index server"
    parameter_name = "server"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        places = [(f"={shard}", str(IndexServer(shard=shard))) for shard in shards()]
        return places if len(places) > 1 else []

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[KnowledgeBase]
    ) -> QuerySet[KnowledgeBase]:
        chosen = self.value()
        return queryset.filter(shard=chosen.removeprefix("=")) if chosen else queryset


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
    list_filter = (
        "language",
        "embedding_model",
        ServerFilter,
        ("index_problem", admin.EmptyFieldListFilter),
    )
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

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """With a move to each of the Chroma servers, where there are several."""
        found = super().get_actions(request)
        if len(shards()) > 1 and self.has_step_permission(request):
            found |= {f"move_to_{shard}": _move_to(shard) for shard in shards()}
        return found


def _move_to(shard: str) -> tuple[Any, str, str]:
    """The step that moves to this server, as the admin wants it: what to call, name, label."""
    label = f"Move to the index server: {IndexServer(shard=shard)}"
    return partial(_move, shard=shard), f"move_to_{shard}", label


def _move(
    desk: KnowledgeBaseAdmin,
    request: HttpRequest,
    queryset: QuerySet[KnowledgeBase],
    *,
    shard: str,
) -> None:
    for base in queryset.select_related("client"):
        try:
            moving.move(base, shard, note=partial(_note_move, request, base.client))
        except Conflict as error:
            desk.message_user(request, f"{base.name}: {error.message}", messages.WARNING)
        else:
            done = f"{base.name}: moved. It is filled in there in the background."
            desk.message_user(request, done, messages.SUCCESS)


def _note_move(request: HttpRequest, client: Client, base: KnowledgeBase) -> None:
    audit.record_by_system(client, Action.INDEX_MOVED, base.name, actor=actor_of(request))


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
