"""Companies for our staff: everything about one on a page, and what may be done to it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.look_only import SHOWN_ROWS, LookOnly, LookOnlyInline, actor_of
from accounts.models import ApiKey, Client, Membership
from billing.models import BillingState
from chat.models import Bot
from chatbot_saas.lib.errors import CallerError
from chatbot_saas.steps import STEPS


class Members(LookOnlyInline):
    model = Membership
    verbose_name_plural = f"members (the first {SHOWN_ROWS})"
    fields = ("user", "role", "created_at")
    related = ("user",)


class Bots(LookOnlyInline):
    model = Bot
    verbose_name_plural = f"bots (the first {SHOWN_ROWS})"
    fields = ("name", "public_id", "knowledge_base", "created_at")
    related = ("knowledge_base",)


class Keys(LookOnlyInline):
    model = ApiKey
    verbose_name_plural = f"API keys (the first {SHOWN_ROWS})"
    fields = ("prefix", "name", "mode", "last_used_at", "expires_at", "revoked_at")


class Billing(LookOnlyInline):
    model = BillingState
    verbose_name_plural = "billing"
    fields = ("standing", "plan", "period_end", "alert", "suspended_reason", "complimentary_until")


@admin.register(Client)
class ClientAdmin(LookOnly):
    list_display = ("name", "public_id", "is_active", "deletion_due_at", "created_at")
    list_filter = (
        "is_active",
        ("deletion_due_at", admin.EmptyFieldListFilter),
        ("billing__suspended_at", admin.EmptyFieldListFilter),
        "created_at",
    )
    search_fields = ("name", "public_id", "members__email")
    ordering = ("-pk",)
    fields = (
        "name",
        "public_id",
        "website",
        "is_active",
        "retention_days",
        "deletion_due_at",
        "created_at",
    )
    inlines = (Billing, Members, Bots, Keys)
    change_form_template = "admin/accounts/client/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        step = self.admin_site.admin_view(self.step_view)
        own = path("<int:pk>/step/<slug:name>/", step, name="accounts_client_step")
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        steps = STEPS if self.has_step_permission(request) else {}
        context = {**(extra_context or {}), "steps": steps}
        return super().change_view(request, object_id, form_url, context)

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Ask for the reason, then do it."""
        if name not in STEPS or not self.has_step_permission(request):
            raise Http404
        client, step = get_object_or_404(Client, pk=pk), STEPS[name]
        form = step.form(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                said = step.run(client, actor_of(request), **form.cleaned_data)
            except CallerError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, said, messages.SUCCESS)
            return redirect(reverse("admin:accounts_client_change", args=[client.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "client": client,
            "step": step,
            "form": form,
            "title": step.label,
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "admin/accounts/client/step.html", context, status=status)
