"""Billing for our staff: where each client stands and why, what came from Stripe, and how the
business does. dj-stripe's own admin pages show the secret key: they are taken out.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts import audit
from accounts.audit import Action
from accounts.look_only import LookOnly
from accounts.models import AuditEvent
from billing import revenue
from billing.models import BillingState, Checkout, StripeObject, SyncRequest, UsageCounter
from chatbot_saas.lib.charts import Column, plot

STRIPE_PAGES = "https://dashboard.stripe.com"
PLOTTED_DAYS = 90
SHOWN_EVENTS = 30
HISTORY = (
    Action.BILLING_CHANGED,
    Action.PLAN_CHANGED,
    Action.CHECKOUT_STARTED,
    Action.PLAN_ORDERED,
    Action.PLAN_ORDER_UNDONE,
    Action.SUBSCRIPTION_CANCELED,
    Action.SUBSCRIPTION_RESUMED,
    Action.OVERAGE_CHANGED,
    Action.CLIENT_SUSPENDED,
    Action.CLIENT_RESUMED,
    Action.CLIENT_GRACE,
    Action.CLIENT_GIFT,
    Action.CLIENT_SYNCED,
)

for model in apps.get_app_config("djstripe").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(BillingState)
class BillingStateAdmin(LookOnly):
    """Changed by the steps on the client's page and by what Stripe says, never by hand."""

    list_display = (
        "client",
        "standing",
        "plan",
        "interval",
        "period_end",
        "past_due_since",
        "suspended_at",
        "complimentary_until",
        "alert",
    )
    list_filter = (
        "standing",
        "plan",
        ("alert", admin.EmptyFieldListFilter),
        ("suspended_at", admin.EmptyFieldListFilter),
        "complimentary_until",
    )
    search_fields = (
        "client__name",
        "client__public_id",
        "stripe_customer_id",
        "subscription_id",
    )
    list_select_related = ("client",)
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("client_page", "standing", "standing_since", "alert")}),
        (
            "At Stripe",
            {
                "fields": (
                    "customer_at_stripe",
                    "subscription_at_stripe",
                    "status",
                    "plan",
                    "interval",
                    "amount_cents",
                    "period_start",
                    "period_end",
                    "cancel_at",
                    "next_plan",
                    "past_due_since",
                    "pulled_at",
                )
            },
        ),
        (
            "Given by us",
            {
                "fields": (
                    "trial_ends_at",
                    "grace_until",
                    "complimentary_until",
                    "suspended_at",
                    "suspended_reason",
                    "overage_wanted",
                )
            },
        ),
        ("What happened", {"fields": ("history",)}),
    )
    change_list_template = "admin/billing/change_list.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("client_page", "customer_at_stripe", "subscription_at_stripe", "history")

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.revenue_view)
        return [path("revenue/", page, name="billing_revenue"), *super().get_urls()]

    @admin.display(description="client (and its steps)")
    def client_page(self, state: BillingState) -> SafeString:
        page = reverse("admin:accounts_client_change", args=[state.client_id])
        return format_html('<a href="{}">{}</a>', page, state.client.name)

    @admin.display(description="customer")
    def customer_at_stripe(self, state: BillingState) -> str:
        return _at_stripe("customers", state.stripe_customer_id or "")

    @admin.display(description="subscription")
    def subscription_at_stripe(self, state: BillingState) -> str:
        return _at_stripe("subscriptions", state.subscription_id)

    @admin.display(description="the newest first")
    def history(self, state: BillingState) -> str:
        events = AuditEvent.objects.for_client(state.client).filter(action__in=HISTORY)
        lines = [
            (f"{event.at:%Y-%m-%d %H:%M}", event.staff_name or event.actor_name, _said(event))
            for event in events.order_by("-pk")[:SHOWN_EVENTS]
        ]
        return format_html_join(SafeString("<br>"), "{} · {}: {}", lines) or "Nothing yet."

    def revenue_view(self, request: HttpRequest) -> HttpResponse:
        """Recurring revenue, trials, churn and late payers, now and over the last months."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        days = revenue.last_days(PLOTTED_DAYS, timezone.now().date())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Revenue",
            "now": revenue.overview(),
            "churn": revenue.churn(days),
            "days": days[::-1],
            "mrr": plot([_column(day.day, day.mrr_cents // 100, "dollars") for day in days]),
            "clients": plot(
                [_column(day.day, day.paying, "paying", day.trials, "in trial") for day in days]
            ),
            "lost": plot(
                [_column(day.day, day.past_due, "late", day.ended, "ended") for day in days]
            ),
        }
        return TemplateResponse(request, "admin/billing/revenue.html", context)


def _column(day: Any, first: int, what: str, second: int = 0, other: str = "") -> Column:
    label = f"{day.day} {day:%b}"
    title = f"{label}: {first} {what}" + (f", {second} {other}" if other else "")
    return Column(label, title, first, second)


def _said(event: AuditEvent) -> str:
    reason = event.details.get("reason", "")
    return f"{audit.sentence(event.action)} {event.target}" + (f" ({reason})" if reason else "")


def _at_stripe(kind: str, stripe_id: str) -> str:
    if not stripe_id:
        return "–"
    mode = "" if settings.STRIPE_LIVE_MODE else "/test"
    return format_html('<a href="{0}{1}/{2}/{3}">{3}</a>', STRIPE_PAGES, mode, kind, stripe_id)


@admin.register(SyncRequest)
class SyncRequestAdmin(LookOnly):
    """What came from Stripe, and whether it was looked up."""

    list_display = ("reason", "customer_id", "created_at", "attempts", "error", "done_at")
    list_filter = (
        ("done_at", admin.EmptyFieldListFilter),
        ("error", admin.EmptyFieldListFilter),
        "reason",
    )
    search_fields = ("event_id", "customer_id", "client__name", "client__public_id")
    ordering = ("-pk",)
    fields = (
        "event_id",
        "reason",
        "customer_id",
        "client",
        "expects",
        "created_at",
        "not_before",
        "attempts",
        "error",
        "done_at",
    )


@admin.register(Checkout)
class CheckoutAdmin(LookOnly):
    list_display = ("client", "plan", "interval", "state", "created_at")
    list_filter = ("state", "plan", "interval", "created_at")
    search_fields = ("client__name", "client__public_id", "session_id")
    list_select_related = ("client",)
    ordering = ("-pk",)
    fields = ("client", "plan", "interval", "state", "session_id", "created_at")


@admin.register(UsageCounter)
class UsageCounterAdmin(LookOnly):
    list_display = ("client", "kind", "period_start", "used", "over", "reported")
    list_filter = ("kind", "period_start")
    search_fields = ("client__name", "client__public_id")
    list_select_related = ("client",)
    ordering = ("-pk",)
    fields = ("client", "kind", "period_start", "used", "over", "reported")


@admin.register(StripeObject)
class StripeObjectAdmin(LookOnly):
    """What `billing_setup` made."""

    list_display = ("name", "stripe_id", "livemode", "checked_at")
    list_filter = ("livemode",)
    search_fields = ("name", "stripe_id")
    ordering = ("name",)
    fields = ("name", "stripe_id", "livemode", "checked_at")
