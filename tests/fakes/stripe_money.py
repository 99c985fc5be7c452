"""Invoices of subscriptions: made, finalized, collected, or left open by a refused card."""

from __future__ import annotations

from tests.fakes import stripe_bills as shapes
from tests.fakes.stripe_errors import DECLINED
from tests.fakes.stripe_store import DAY, Json, Store, list_of

# Days until Stripe tries again after a first, second and third refusal.
RETRIES = (3, 5, 7)


def amount_of(part: Json) -> int:
    """What an item costs for a whole period."""
    return int(part["price"]["unit_amount"] or 0) * int(part.get("quantity", 1))


def usage(store: Store, customer: str, part: Json) -> int:
    """What was metered in the item's period."""
    meter = store.find("billing.meter", part["price"]["recurring"]["meter"] or "")
    if meter is None:
        return 0
    start, end = (part[name] for name in shapes.PERIOD)
    to, amount = (
        meter[name]["event_payload_key"] for name in ("customer_mapping", "value_settings")
    )
    return sum(
        int(float(one["payload"].get(amount, 1)))
        for one in store.all("billing.meter_event", event_name=meter["event_name"])
        if one["payload"].get(to) == customer and start <= one["timestamp"] < end
    )


def usual_lines(sub: Json) -> list[Json]:
    """The items of a period that begins: licensed ones in full, metered ones at nothing."""
    return [
        shapes.line(sub, part, 0 if shapes.is_metered(part["price"]) else amount_of(part), "Period")
        for part in sub["items"]["data"]
    ]


def usage_lines(store: Store, sub: Json) -> list[Json]:
    """What was used in the period that ends."""
    lines = []
    for part in sub["items"]["data"]:
        if shapes.is_metered(part["price"]):
            used = usage(store, sub["customer"], part)
            amount = used * int(part["price"]["unit_amount"] or 0)
            lines.append({**shapes.line(sub, part, amount, "Usage"), "quantity": used})
    return lines


def draft(store: Store, sub: Json, lines: list[Json], reason: str) -> Json:
    """A new invoice of a subscription; what waited for the next invoice is on it."""
    customer = store.get("customer", sub["customer"])
    waiting = store.state.pending.pop(sub["id"], [])
    made = store.add(shapes.invoice(store, customer, sub, [*waiting, *lines], reason))
    made["default_payment_method"] = sub["default_payment_method"]
    sub["latest_invoice"] = made["id"]
    store.emit("invoice.created", made)
    return made


def bill(store: Store, sub: Json, lines: list[Json], reason: str) -> bool:
    """Make an invoice and collect it at once (Stripe waits an hour); whether it was paid."""
    made = draft(store, sub, lines, reason)
    finalize(store, made)
    return collect(store, made)


def finalize(store: Store, made: Json) -> None:
    """A draft becomes an open invoice; credit of the customer is taken off first."""
    customer = store.get("customer", made["customer"])
    owed = made["total"] + customer["balance"]
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    page = f"{store.url}/invoice/{made['id']}"
    made.update(
        amount_due=max(owed, 0),
        amount_remaining=max(owed, 0),
        effective_at=store.now,
        ending_balance=min(owed, 0),
        hosted_invoice_url=page,
        invoice_pdf=f"{page}/pdf",
        number=number,
        starting_balance=customer["balance"],
        status="open",
    )
    made["status_transitions"]["finalized_at"] = store.now
    with store.changing(customer):
        customer["next_invoice_sequence"] += 1
        customer["balance"] = min(owed, 0)
        customer["currency"] = made["currency"]
    store.emit("invoice.finalized", made)


def collect(store: Store, made: Json) -> bool:
    """Charge the card for an open invoice; whether it was paid."""
    if not made["amount_due"]:
        _paid(store, made)
        return True
    intent = _intent(store, made)
    made["attempt_count"] += 1
    made["attempted"] = True
    paid = made["customer"] not in store.state.declining
    charge = store.add(shapes.charge(store, made, intent, paid=paid))
    intent["latest_charge"] = charge["id"]
    if paid:
        intent.update(status="succeeded", amount_received=intent["amount"])
        store.emit("charge.succeeded", charge)
        store.emit("payment_intent.succeeded", intent)
        _paid(store, made)
    else:
        _refused(store, made, intent, charge)
    return paid


def _intent(store: Store, made: Json) -> Json:
    """The one payment of an invoice, tried again and again."""
    if name := made.get("_intent"):
        return store.get("payment_intent", name)
    intent = store.add(shapes.payment_intent(store, made))
    made["_intent"] = intent["id"]
    made["_payments"] = list_of(
        [_invoice_payment(made, intent)], f"/v1/invoices/{made['id']}/payments"
    )
    return intent


def _invoice_payment(made: Json, intent: Json) -> Json:
    return {
        "id": intent["id"].replace("pi_", "inpay_"),
        "object": "invoice_payment",
        "amount_requested": intent["amount"],
        "created": intent["created"],
        "currency": intent["currency"],
        "invoice": made["id"],
        "is_default": True,
        "livemode": intent["livemode"],
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
    }


def _paid(store: Store, made: Json) -> None:
    with store.changing(made):
        made.update(
            amount_paid=made["amount_due"],
            amount_remaining=0,
            attempted=True,
            auto_advance=False,
            next_payment_attempt=None,
            status="paid",
        )
        made["status_transitions"]["paid_at"] = store.now
    _set_delinquent(store, made["customer"])
    for kind in ("invoice.paid", "invoice.payment_succeeded"):
        store.emit(kind, made)


def _refused(store: Store, made: Json, intent: Json, charge: Json) -> None:
    tries = made["attempt_count"]
    wait = RETRIES[tries - 1] if tries <= len(RETRIES) else None
    error = {"type": "card_error", "code": "card_declined", "message": DECLINED}
    intent["last_payment_error"] = error
    store.emit("charge.failed", charge)
    store.emit("payment_intent.payment_failed", intent)
    with store.changing(made):
        made["next_payment_attempt"] = None if wait is None else store.now + wait * DAY
    _set_delinquent(store, made["customer"])
    store.emit("invoice.payment_failed", made)


def _set_delinquent(store: Store, customer_id: str) -> None:
    owes = any(
        one["attempted"] for one in store.all("invoice", customer=customer_id, status="open")
    )
    customer = store.get("customer", customer_id)
    with store.changing(customer):
        customer["delinquent"] = owes


def void(store: Store, made: Json) -> None:
    with store.changing(made):
        made.update(status="void", next_payment_attempt=None, auto_advance=False)
        made["status_transitions"]["voided_at"] = store.now
    store.emit("invoice.voided", made)
