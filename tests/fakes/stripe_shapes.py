"""The JSON of catalogue and customer objects in API version 2026-05-27.dahlia."""

from __future__ import annotations

import secrets
from typing import Any

from tests.fakes.stripe_store import Json, Store, list_of, new_id

NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
ACCOUNT = "acct_1FakeStripe"


def account(store: Store) -> Json:
    return {
        "id": ACCOUNT,
        "object": "account",
        "business_profile": {"name": "Fake Stripe", "url": "https://example.com"},
        "business_type": "company",
        "capabilities": {"card_payments": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": store.now,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None},
            "dashboard": {"display_name": "Fake Stripe", "timezone": "Etc/UTC"},
        },
        "type": "standard",
    }


def customer(store: Store, params: Json) -> Json:
    settings = {
        "custom_fields": None,
        "default_payment_method": None,
        "footer": None,
        "rendering_options": None,
    }
    return store.base(
        "customer",
        address=params.get("address"),
        balance=params.get("balance", 0),
        business_name=None,
        currency=None,
        customer_account=None,
        default_source=None,
        delinquent=False,
        description=params.get("description"),
        discount=None,
        email=params.get("email"),
        individual_name=None,
        invoice_prefix=secrets.token_hex(4).upper(),
        invoice_settings=settings,
        metadata=params.get("metadata") or {},
        name=params.get("name"),
        next_invoice_sequence=1,
        phone=params.get("phone"),
        preferred_locales=params.get("preferred_locales", []),
        shipping=None,
        tax_exempt=params.get("tax_exempt", "none"),
        test_clock=None,
    )


def product(store: Store, params: Json) -> Json:
    return store.base(
        "product",
        id=params.get("id") or new_id("product"),
        active=params.get("active", True),
        default_price=None,
        description=params.get("description"),
        images=params.get("images", []),
        marketing_features=params.get("marketing_features", []),
        metadata=params.get("metadata") or {},
        name=params["name"],
        package_dimensions=None,
        shippable=None,
        statement_descriptor=params.get("statement_descriptor"),
        tax_code=params.get("tax_code"),
        type="service",
        unit_label=params.get("unit_label"),
        updated=store.now,
        url=params.get("url"),
    )


def price(store: Store, params: Json, product_id: str) -> Json:
    recurring = params.get("recurring")
    amount = params.get("unit_amount")
    exact = params.get("unit_amount_decimal") or (None if amount is None else str(amount))
    return store.base(
        "price",
        active=params.get("active", True),
        billing_scheme="per_unit",
        currency=params["currency"],
        custom_unit_amount=None,
        lookup_key=params.get("lookup_key"),
        metadata=params.get("metadata") or {},
        nickname=params.get("nickname"),
        product=product_id,
        recurring=_recurring(recurring) if recurring else None,
        tax_behavior=params.get("tax_behavior", "unspecified"),
        tiers_mode=None,
        transform_quantity=None,
        type="recurring" if recurring else "one_time",
        unit_amount=amount,
        unit_amount_decimal=exact,
    )


def _recurring(params: Json) -> Json:
    return {
        "interval": params["interval"],
        "interval_count": params.get("interval_count", 1),
        "meter": params.get("meter"),
        "trial_period_days": None,
        "usage_type": params.get("usage_type", "licensed"),
    }


def plan(price: Json) -> Json:
    """The old face of a price, which items still show."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": recurring["usage_type"],
    }


def meter(store: Store, params: Json) -> Json:
    made = store.base(
        "billing.meter",
        customer_mapping=params.get("customer_mapping")
        or {"type": "by_id", "event_payload_key": "stripe_customer_id"},
        default_aggregation=params["default_aggregation"],
        display_name=params["display_name"],
        event_name=params["event_name"],
        event_time_window=params.get("event_time_window"),
        status="active",
        status_transitions={"deactivated_at": None},
        updated=store.now,
        value_settings=params.get("value_settings") or {"event_payload_key": "value"},
    )
    del made["metadata"]
    return made


def payment_method(store: Store, customer_id: str) -> Json:
    details = {"address": dict(NO_ADDRESS), "email": None, "name": None, "phone": None}
    card = {
        "brand": "visa",
        "country": "US",
        "exp_month": 12,
        "exp_year": 2040,
        "fingerprint": secrets.token_hex(8),
        "funding": "credit",
        "last4": "4242",
    }
    return store.base(
        "payment_method",
        allow_redisplay="unspecified",
        billing_details=details,
        card=card,
        customer=customer_id,
        customer_account=None,
        type="card",
    )


def webhook_endpoint(store: Store, params: Json) -> Json:
    return store.base(
        "webhook_endpoint",
        api_version=params.get("api_version"),
        application=None,
        description=params.get("description"),
        enabled_events=params["enabled_events"],
        metadata=params.get("metadata") or {},
        status="enabled",
        url=params["url"],
    )


def portal_configuration(store: Store, params: Json) -> Json:
    off: Json = {"enabled": False}
    features = {
        "customer_update": {**off, "allowed_updates": []},
        "invoice_history": off,
        "payment_method_update": {**off, "payment_method_configuration": None},
        "subscription_cancel": {**off, "mode": "at_period_end", "proration_behavior": "none"},
        "subscription_update": {**off, "default_allowed_updates": [], "products": []},
    }
    chosen = {name: {**features[name], **given} for name, given in params["features"].items()}
    return store.base(
        "billing_portal.configuration",
        active=True,
        application=None,
        business_profile={"headline": None} | params.get("business_profile", {}),
        default_return_url=params.get("default_return_url"),
        features=features | chosen,
        is_default=False,
        login_page={"enabled": False, "url": None},
        metadata=params.get("metadata") or {},
        name=params.get("name"),
        updated=store.now,
    )


def coupon(store: Store, params: Json) -> Json:
    return store.base(
        "coupon",
        id=params.get("id") or secrets.token_hex(4),
        amount_off=params.get("amount_off"),
        currency=params.get("currency"),
        duration=params.get("duration", "once"),
        duration_in_months=params.get("duration_in_months"),
        max_redemptions=params.get("max_redemptions"),
        metadata=params.get("metadata") or {},
        name=params.get("name"),
        percent_off=params.get("percent_off"),
        redeem_by=params.get("redeem_by"),
        times_redeemed=0,
        valid=True,
    )


def promotion_code(store: Store, params: Json, code: str) -> Json:
    restrictions: dict[str, Any] = {
        "first_time_transaction": False,
        "minimum_amount": None,
        "minimum_amount_currency": None,
    }
    return store.base(
        "promotion_code",
        active=params.get("active", True),
        code=code,
        customer=params.get("customer"),
        customer_account=None,
        expires_at=params.get("expires_at"),
        max_redemptions=params.get("max_redemptions"),
        metadata=params.get("metadata") or {},
        promotion={"type": "coupon", "coupon": params["promotion"]["coupon"]},
        restrictions=restrictions,
        times_redeemed=0,
    )


def empty_list(url: str) -> Json:
    return list_of([], url)
