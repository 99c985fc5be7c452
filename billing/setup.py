"""Make or check what this product needs at Stripe: products, prices, a meter, the customers' portal
and the webhook. Runs again at any time; what is there and right is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import stripe as stripe_library
from django.conf import settings
from django.urls import reverse

from billing import catalogue, stripe_api
from billing.catalogue import METER, METER_EVENT, PORTAL, WEBHOOK
from billing.plans import CURRENCY, LOOKUP_PREFIX, PAID, Interval, Plan
from billing.webhook import HANDLED


@dataclass
class Setup:
    """One run. With `dry_run` it only looks; `done` tells what it did or would do."""

    stripe: stripe_library.StripeClient
    dry_run: bool
    done: list[str] = field(default_factory=list)
    webhook_secret: str = ""

    def run(self) -> None:
        meter = self._meter()
        for plan in PAID:
            self._product(plan)
            for interval in Interval:
                self._price(plan, interval)
                if plan.overage_cents is not None:
                    self._overage_price(plan, interval, meter)
        self._portal()
        self._webhook()

    def _meter(self) -> str:
        listed = self.stripe.v1.billing.meters.list({"status": "active", "limit": 100})
        same = [one for one in self._all(listed) if one["event_name"] == METER_EVENT]
        if same:
            return self._known(METER, same[0]["id"])
        params: Any = {
            "display_name": "Answers beyond the plan",
            "event_name": METER_EVENT,
            "default_aggregation": {"formula": "sum"},
            "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
            "value_settings": {"event_payload_key": "value"},
        }
        return self._make(METER, lambda: self.stripe.v1.billing.meters.create(params).id)

    def _product(self, plan: Plan) -> None:
        wanted: Any = {"name": f"{settings.SITE_NAME} {plan.name}", "description": plan.tagline}
        product = product_id(plan)
        try:
            found = stripe_api.plain(self.stripe.v1.products.retrieve(product))
        except stripe_library.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            made: Any = {"id": product, **wanted}
            self._make(f"product {product}", lambda: self.stripe.v1.products.create(made).id)
            return
        if any(found.get(name) != value for name, value in wanted.items()) or not found["active"]:
            wanted["active"] = True
            self._do(
                f"change product {product}",
                lambda: self.stripe.v1.products.update(product, wanted),
            )

    def _price(self, plan: Plan, interval: Interval) -> None:
        params: Any = {
            "currency": CURRENCY.lower(),
            "unit_amount": plan.price(interval) * 100,
            "recurring": {"interval": interval.value},
        }
        self._ensure_price(plan, plan.lookup_key(interval), params)

    def _overage_price(self, plan: Plan, interval: Interval, meter: str) -> None:
        params: Any = {
            "currency": CURRENCY.lower(),
            "unit_amount": plan.overage_cents,
            "recurring": {"interval": interval.value, "usage_type": "metered", "meter": meter},
        }
        self._ensure_price(plan, plan.overage_lookup_key(interval), params)

    def _ensure_price(self, plan: Plan, lookup_key: str, params: dict[str, Any]) -> None:
        """A price never changes at Stripe; its amount is in the key, so another one is new."""
        found = stripe_api.plain(self.stripe.v1.prices.list({"lookup_keys": [lookup_key]}))["data"]
        if found:
            if found[0]["unit_amount"] != params["unit_amount"] or not found[0]["active"]:
                self.done.append(f"WRONG: price {lookup_key} is not what the plan says")
            self._known(lookup_key, found[0]["id"])
            return
        wanted: Any = params | {"product": product_id(plan), "lookup_key": lookup_key}
        self._make(lookup_key, lambda: self.stripe.v1.prices.create(wanted).id)

    def _portal(self) -> None:
        """Cards, invoices and tax numbers only: plans are changed on our own page, which knows
        what a smaller plan means."""
        wanted: Any = {
            "business_profile": {"headline": settings.SITE_NAME},
            "features": {
                "customer_update": {
                    "enabled": True,
                    "allowed_updates": ["email", "name", "address", "tax_id"],
                },
                "invoice_history": {"enabled": True},
                "payment_method_update": {"enabled": True},
                "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
            },
            "metadata": {"name": LOOKUP_PREFIX},
        }
        configurations = self.stripe.v1.billing_portal.configurations
        for one in self._all(configurations.list({"active": True, "limit": 100})):
            if (one.get("metadata") or {}).get("name") == LOOKUP_PREFIX:
                self._known(PORTAL, one["id"])
                return
        self._make(PORTAL, lambda: configurations.create(wanted).id)

    def _webhook(self) -> None:
        url = settings.SITE_URL + reverse("stripe_webhook")
        events: Any = sorted(HANDLED)
        endpoints = self.stripe.v1.webhook_endpoints
        for one in self._all(endpoints.list({"limit": 100})):
            if one["url"] == url:
                self._known(WEBHOOK, one["id"])
                if sorted(one["enabled_events"]) != events or one["status"] != "enabled":
                    self._change_webhook(one["id"], events)
                return
        self._make(WEBHOOK, lambda: self._new_webhook(url, events))

    def _change_webhook(self, endpoint: str, events: Any) -> None:
        change: Any = {"enabled_events": events, "disabled": False}
        self._do(
            "change webhook", lambda: self.stripe.v1.webhook_endpoints.update(endpoint, change)
        )

    def _new_webhook(self, url: str, events: Any) -> str:
        params: Any = {
            "url": url,
            "enabled_events": events,
            "api_version": settings.STRIPE_API_VERSION,
        }
        made = self.stripe.v1.webhook_endpoints.create(params)
        self.webhook_secret = made.secret or ""
        return made.id

    def _all(self, listed: Any) -> Iterator[dict[str, Any]]:
        for one in listed.auto_paging_iter():
            yield stripe_api.plain(one)

    def _known(self, name: str, stripe_id: str) -> str:
        if not self.dry_run:
            catalogue.remember(name, stripe_id)
        return stripe_id

    def _make(self, name: str, make: Any) -> str:
        self.done.append(f"make {name}")
        return "" if self.dry_run else self._known(name, make())

    def _do(self, what: str, change: Any) -> None:
        self.done.append(what)
        if not self.dry_run:
            change()


def product_id(plan: Plan) -> str:
    return f"{LOOKUP_PREFIX}_{plan.key}"
