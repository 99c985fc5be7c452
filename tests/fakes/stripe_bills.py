"""The JSON of what is sold: subscriptions, schedules, invoices, payments, payment pages."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from tests.fakes.stripe_shapes import plan
from tests.fakes.stripe_store import DAY, Json, Store, list_of, new_id

NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None}
SELF = {"type": "self"}
PERIOD = ("current_period_start", "current_period_end")
NO_CANCELLATION = dict.fromkeys(("comment", "feedback", "reason"))


@dataclass(frozen=True, slots=True)
class Period:
    start: int
    end: int


def item(store: Store, subscription: str, wanted: Json, period: Period) -> Json:
    """One item; `wanted` has the price object, and a quantity unless it is metered."""
    made = store.base(
        "subscription_item",
        billed_until=None,
        billing_thresholds=None,
        current_period_end=period.end,
        current_period_start=period.start,
        discounts=[],
        metadata=wanted.get("metadata") or {},
        plan=plan(wanted["price"]),
        price=wanted["price"],
        subscription=subscription,
        tax_rates=[],
    )
    del made["livemode"]
    if not is_metered(wanted["price"]):
        made["quantity"] = wanted.get("quantity", 1)
    return made


def is_metered(price: Json) -> bool:
    return bool(price["recurring"] and price["recurring"]["usage_type"] == "metered")


def subscription(store: Store, customer: str, items: list[Json], period: Period) -> Json:
    """A subscription with these wanted items, active from the period's start on."""
    name = new_id("subscription")
    made = [item(store, name, one, period) for one in items]
    return store.base(
        "subscription",
        id=name,
        application=None,
        application_fee_percent=None,
        automatic_tax=dict(NO_TAX),
        billing_cycle_anchor=period.start,
        billing_cycle_anchor_config=None,
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
        billing_schedules=[],
        billing_thresholds=None,
        cancel_at=None,
        cancel_at_period_end=False,
        canceled_at=None,
        cancellation_details=dict(NO_CANCELLATION),
        collection_method="charge_automatically",
        currency=items[0]["price"]["currency"],
        customer=customer,
        customer_account=None,
        days_until_due=None,
        default_source=None,
        default_tax_rates=[],
        description=None,
        discounts=[],
        ended_at=None,
        items=list_of(made, f"/v1/subscription_items?subscription={name}"),
        start_date=period.start,
        status="active",
        **_usual_subscription(),
    )


def _usual_subscription() -> Json:
    return {
        "default_payment_method": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": SELF},
        "latest_invoice": None,
        "managed_payments": None,
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "presentment_details": None,
        "schedule": None,
        "test_clock": None,
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }


def line(sub: Json, part: Json, amount: int, text: str, *, proration: bool = False) -> Json:
    """A line of an invoice for an item of a subscription."""
    details = {
        "invoice_item": None,
        "proration": proration,
        "proration_details": {"credited_items": None},
        "subscription": sub["id"],
        "subscription_item": part["id"],
    }
    price = part["price"]
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": sub["currency"],
        "description": text,
        "discount_amounts": [],
        "discountable": not proration,
        "discounts": [],
        "invoice": None,
        "livemode": sub["livemode"],
        "metadata": {},
        "parent": {
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": details,
        },
        "period": {"start": part[PERIOD[0]], "end": part[PERIOD[1]]},
        "pretax_credit_amounts": [],
        "pricing": {
            "type": "price_details",
            "price_details": {"price": price["id"], "product": price["product"]},
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": part.get("quantity", 1),
        "subtotal": amount,
        "taxes": [],
    }


def invoice(store: Store, customer: Json, sub: Json, lines: list[Json], reason: str) -> Json:
    """A draft for a subscription."""
    total = sum(one["amount"] for one in lines)
    name = new_id("invoice")
    for one in lines:
        one["invoice"] = name
    kept: Json = {"subscription": sub["id"], "metadata": sub["metadata"]}
    amounts = dict.fromkeys(("subtotal", "subtotal_excluding_tax", "total"), total)
    return store.base(
        "invoice",
        id=name,
        billing_reason=reason,
        currency=sub["currency"],
        customer=customer["id"],
        customer_address=customer["address"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        customer_phone=customer["phone"],
        lines=list_of(lines, f"/v1/invoices/{name}/lines"),
        parent={
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": kept,
        },
        period_end=store.now,
        period_start=store.now,
        starting_balance=customer["balance"],
        total_excluding_tax=total,
        **amounts,
        **_usual_invoice(),
    )


def _usual_invoice() -> Json:
    zero = ("amount_due", "amount_overpaid", "amount_paid", "amount_remaining", "amount_shipping")
    notes = ("post_payment_credit_notes_amount", "pre_payment_credit_notes_amount")
    nothing = (
        "account_tax_ids application automatically_finalizes_at custom_fields customer_account "
        "customer_shipping default_payment_method default_source description due_date "
        "effective_at ending_balance footer from_invoice hosted_invoice_url invoice_pdf "
        "last_finalization_error latest_revision next_payment_attempt number on_behalf_of "
        "receipt_number rendering shipping_cost shipping_details statement_descriptor test_clock "
        "webhooks_delivered_at"
    )
    moments = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
    settings = ("default_mandate", "payment_method_options", "payment_method_types")
    return {
        **dict.fromkeys((*zero, *notes), 0),
        **dict.fromkeys(nothing.split()),
        "account_country": "US",
        "account_name": "Fake Stripe",
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {**NO_TAX, "provider": None, "status": None},
        "collection_method": "charge_automatically",
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": SELF,
        "payment_settings": dict.fromkeys(settings),
        "status": "draft",
        "status_transitions": dict.fromkeys(moments),
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def payment_intent(store: Store, bill: Json) -> Json:
    name = new_id("payment_intent")
    return store.base(
        "payment_intent",
        id=name,
        amount=bill["amount_remaining"],
        amount_capturable=0,
        amount_received=0,
        canceled_at=None,
        cancellation_reason=None,
        capture_method="automatic",
        client_secret=f"{name}_secret_{secrets.token_hex(8)}",
        confirmation_method="automatic",
        currency=bill["currency"],
        customer=bill["customer"],
        description="Subscription",
        last_payment_error=None,
        latest_charge=None,
        next_action=None,
        on_behalf_of=None,
        payment_method=bill["default_payment_method"],
        payment_method_types=["card"],
        receipt_email=None,
        setup_future_usage="off_session",
        status="requires_payment_method",
    )


def charge(store: Store, bill: Json, intent: Json, *, paid: bool) -> Json:
    amount = intent["amount"]
    return store.base(
        "charge",
        amount=amount,
        amount_captured=amount if paid else 0,
        amount_refunded=0,
        balance_transaction=None,
        billing_details={"address": None, "email": None, "name": None, "phone": None},
        captured=paid,
        currency=bill["currency"],
        customer=bill["customer"],
        description="Subscription",
        disputed=False,
        failure_code=None if paid else "card_declined",
        failure_message=None if paid else "Your card was declined.",
        paid=paid,
        payment_intent=intent["id"],
        payment_method=intent["payment_method"],
        payment_method_details={"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        refunded=False,
        source=None,
        status="succeeded" if paid else "failed",
    )


def session(store: Store, params: Json, lines: list[Json]) -> Json:
    """A payment page for lines of `{price, quantity}`."""
    name = new_id("checkout.session")
    total = sum((one["price"]["unit_amount"] or 0) * one.get("quantity", 0) for one in lines)
    same = (
        "allow_promotion_codes billing_address_collection cancel_url client_reference_id customer "
        "customer_creation customer_email locale mode success_url"
    )
    return store.base(
        "checkout.session",
        id=name,
        **{field: params.get(field) for field in same.split()},
        amount_subtotal=total,
        amount_total=total,
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        currency=lines[0]["price"]["currency"],
        custom_fields=[],
        custom_text={},
        customer_account=None,
        customer_details=None,
        expires_at=params.get("expires_at") or store.now + DAY,
        invoice=None,
        _line_items=list_of(
            [_sold(store, one) for one in lines], f"/v1/checkout/sessions/{name}/line_items"
        ),
        _subscription_data=params.get("subscription_data", {}),
        metadata=params.get("metadata") or {},
        payment_intent=None,
        payment_method_collection="always",
        payment_method_types=["card"],
        payment_status="unpaid",
        setup_intent=None,
        shipping_options=[],
        status="open",
        subscription=None,
        tax_id_collection=params.get("tax_id_collection", {"enabled": False}),
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        ui_mode="hosted_page",
        url=f"{store.url}/pay/{name}",
    )


def _sold(store: Store, wanted: Json) -> Json:
    price, quantity = wanted["price"], wanted.get("quantity")
    amount = (price["unit_amount"] or 0) * (quantity or 0)
    product = store.find("product", price["product"]) or {}
    return {
        "id": new_id("line_item"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product.get("name"),
        "price": price,
        "quantity": quantity,
    }


def schedule(store: Store, sub: Json) -> Json:
    """A schedule made from a running subscription: one phase, the present period."""
    first = sub["items"]["data"][0]
    items = [phase_item(one["price"]["id"], one.get("quantity")) for one in sub["items"]["data"]]
    period = Period(first[PERIOD[0]], first[PERIOD[1]])
    ends = sub["cancel_at_period_end"] or sub["cancel_at"]
    settings = {
        "application_fee_percent": None,
        "automatic_tax": dict(NO_TAX),
        "billing_cycle_anchor": "automatic",
        "billing_thresholds": None,
        "collection_method": "charge_automatically",
        "default_payment_method": None,
        "description": None,
        "invoice_settings": {"account_tax_ids": None, "days_until_due": None, "issuer": SELF},
        "on_behalf_of": None,
        "transfer_data": None,
    }
    return store.base(
        "subscription_schedule",
        application=None,
        billing_mode=sub["billing_mode"],
        canceled_at=None,
        completed_at=None,
        current_phase={"start_date": period.start, "end_date": period.end},
        customer=sub["customer"],
        customer_account=None,
        default_settings=settings,
        end_behavior="cancel" if ends else "release",
        phases=[phase(sub["currency"], items, period)],
        released_at=None,
        released_subscription=None,
        status="active",
        subscription=sub["id"],
        test_clock=None,
    )


def phase_item(price: str, quantity: int | None) -> Json:
    counted = {} if quantity is None else {"quantity": quantity}
    usual: Json = {"billing_thresholds": None, "discounts": [], "metadata": {}, "tax_rates": []}
    return {"plan": price, "price": price, **counted, **usual}


def phase(currency: str, items: list[Json], period: Period, proration: Any = None) -> Json:
    nothing = (
        "application_fee_percent automatic_tax billing_cycle_anchor billing_thresholds "
        "collection_method default_payment_method description invoice_settings on_behalf_of "
        "transfer_data trial_end"
    )
    return {
        **dict.fromkeys(nothing.split()),
        "add_invoice_items": [],
        "currency": currency,
        "default_tax_rates": [],
        "discounts": [],
        "end_date": period.end,
        "items": items,
        "metadata": {},
        "proration_behavior": proration or "create_prorations",
        "start_date": period.start,
    }
