"""Subscriptions: begun, changed, ended."""

from __future__ import annotations

from tests.fakes import stripe_bills as shapes
from tests.fakes import stripe_items as items
from tests.fakes import stripe_money as money
from tests.fakes.stripe_bills import PERIOD, Period
from tests.fakes.stripe_calendar import step
from tests.fakes.stripe_errors import declined, invalid, malformed, missing
from tests.fakes.stripe_store import DAY, Json, Store, metadata, snapshot

LIVE = frozenset({"active", "trialing", "past_due", "unpaid", "paused"})
OVER = frozenset({"canceled", "incomplete_expired"})
KNOWN = frozenset(
    {
        "automatic_tax",
        "cancel_at",
        "cancel_at_period_end",
        "cancellation_details",
        "customer",
        "default_payment_method",
        "description",
        "expand",
        "items",
        "metadata",
        "off_session",
        "payment_behavior",
        "payment_settings",
        "proration_behavior",
        "trial_end",
        "trial_period_days",
        "trial_settings",
    }
)


def customer_of(store: Store, params: Json) -> Json:
    """The customer that a request names; a deleted one is missing."""
    if "customer" not in params:
        raise malformed("parameter_missing", "customer", "Missing required param: customer.")
    found = store.get("customer", params["customer"], "customer")
    if found.get("deleted"):
        raise missing("customer", params["customer"], "customer")
    return found


def create(store: Store, params: Json, _: str = "") -> Json:
    """A subscription that a program begins."""
    _only_known(params)
    wanted = items.wanted(store, params.get("items", []), "items")
    customer = customer_of(store, params)
    with store.all_or_nothing():
        sub = begin(store, customer["id"], wanted, params)
        if params.get("payment_behavior") == "error_if_incomplete" and _is_refused(sub):
            raise declined()
    return sub


def _is_refused(sub: Json) -> bool:
    return sub["status"] in {"incomplete", "past_due"}


def begin(store: Store, customer: str, wanted: list[Json], params: Json) -> Json:
    """Make a subscription and collect its first invoice: active, trialing or incomplete."""
    now, recurring = store.now, wanted[0]["price"]["recurring"]
    trial_end = _trial_end(params, now)
    period = Period(now, trial_end or step(now, 1, recurring))
    sub = store.add(shapes.subscription(store, customer, wanted, period))
    sub.update(
        default_payment_method=params.get("default_payment_method"),
        description=params.get("description"),
        metadata=params.get("metadata") or {},
        status="trialing" if trial_end else "incomplete",
    )
    if trial_end:
        sub.update(trial_start=now, trial_end=trial_end, billing_cycle_anchor=trial_end)
    change_end(store, sub, params)
    store.emit("customer.subscription.created", sub)
    with store.changing(sub):
        _first_invoice(store, sub, collects=params.get("payment_behavior") != "default_incomplete")
    tell_of_trial_end(store, sub)
    return sub


def _trial_end(params: Json, now: int) -> int | None:
    if days := params.get("trial_period_days"):
        return now + int(days) * DAY
    given = params.get("trial_end")
    return int(given) if given and given != "now" else None


def _first_invoice(store: Store, sub: Json, *, collects: bool) -> None:
    lines = money.usual_lines(sub)
    if sub["status"] == "trialing":
        lines = [{**one, "amount": 0, "subtotal": 0} for one in lines]
    made = money.draft(store, sub, lines, "subscription_create")
    money.finalize(store, made)
    if (collects or not made["amount_due"]) and money.collect(store, made):
        sub["status"] = "active" if sub["status"] == "incomplete" else sub["status"]


def tell_of_trial_end(store: Store, sub: Json) -> None:
    """The event of three days before a trial's end, once."""
    if sub["status"] != "trialing" or sub.get("_told"):
        return
    if sub["trial_end"] - 3 * DAY <= store.now:
        sub["_told"] = True
        store.emit("customer.subscription.trial_will_end", sub)


def update(store: Store, params: Json, name: str) -> Json:
    """What Stripe changes at once; a refused card under error_if_incomplete changes nothing."""
    sub = store.get("subscription", name)
    _only_known(params)
    _require_changeable(sub, params)
    with store.all_or_nothing(), store.changing(sub):
        change_end(store, sub, params)
        for field in ("default_payment_method", "description", "cancellation_details"):
            if field in params:
                sub[field] = params[field] or None
        if "metadata" in params:
            sub["metadata"] = metadata(sub["metadata"], params["metadata"])
        if "trial_end" in params:
            _end_trial(store, sub, params["trial_end"])
        if "items" in params:
            _change_items(store, sub, params)
    return sub


def _only_known(params: Json) -> None:
    if unknown := params.keys() - KNOWN:
        name = min(unknown)
        raise invalid(f"This fake of Stripe does not do '{name}' for subscriptions.", name)
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise invalid("This fake of Stripe has no pending updates.", "payment_behavior")


def _require_changeable(sub: Json, params: Json) -> None:
    if sub["status"] in OVER and params.keys() - {"cancellation_details", "metadata", "expand"}:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    if sub["schedule"] and params.keys() & {"cancel_at", "cancel_at_period_end"}:
        raise invalid(
            f"The subscription is managed by the subscription schedule `{sub['schedule']}`, and "
            "updating any cancelation behavior directly is not allowed. Please update the "
            "schedule instead."
        )
    # Stripe would change the schedule's current phase along; a test should not rely on that.
    if sub["schedule"] and "items" in params:
        raise invalid(
            f"The subscription is managed by the subscription schedule `{sub['schedule']}`. "
            "Please update the schedule instead, or release it.",
            "items",
        )


def change_end(store: Store, sub: Json, params: Json) -> None:
    """What a request says about the subscription's end."""
    if not params.keys() & {"cancel_at", "cancel_at_period_end"}:
        return
    period_end = sub["items"]["data"][0][PERIOD[1]]
    at = params.get("cancel_at") or None
    if params.get("cancel_at_period_end") or at in {"min_period_end", "max_period_end"}:
        at = period_end
    sub["cancel_at"] = at
    sub["cancel_at_period_end"] = params.get("cancel_at_period_end", False)
    sub["canceled_at"] = (sub["canceled_at"] or store.now) if at else None
    reason = "cancellation_requested" if at else None
    sub["cancellation_details"] = {**sub["cancellation_details"], "reason": reason}


def _end_trial(store: Store, sub: Json, when: str) -> None:
    if when != "now" or sub["status"] != "trialing":
        text = "This fake of Stripe only ends a running trial with `trial_end=now`."
        raise invalid(text, "trial_end")
    sub.update(trial_end=store.now, billing_cycle_anchor=store.now)
    items.begin_period(sub, store.now)
    paid = money.bill(store, sub, money.usual_lines(sub), "subscription_cycle")
    sub["status"] = "active" if paid else "past_due"


def _change_items(store: Store, sub: Json, params: Json) -> None:
    behavior = params.get("proration_behavior", "create_prorations")
    lines, at_once = items.change(store, sub, params["items"], prorate=behavior != "none")
    if sub["status"] == "trialing" or not lines:
        return
    if behavior != "always_invoice" and not at_once:
        store.state.pending.setdefault(sub["id"], []).extend(lines)
        return
    if money.bill(store, sub, lines, "subscription_update"):
        return
    if params.get("payment_behavior") == "error_if_incomplete":
        raise declined()
    sub["status"] = "past_due"


def cancel(store: Store, params: Json, name: str) -> Json:
    """End it now. One that has ended is missing, as at Stripe."""
    sub = store.get("subscription", name)
    if sub["status"] in OVER:
        raise missing("subscription", name)
    if params.get("invoice_now") or params.get("prorate"):
        raise invalid("This fake of Stripe makes no final invoice.")
    if "cancellation_details" in params:
        sub["cancellation_details"].update(params["cancellation_details"])
    return end(store, sub, "cancellation_requested")


def end(store: Store, sub: Json, reason: str) -> Json:
    """Canceled from now on; its schedule goes with it."""
    sub.update(status="canceled", ended_at=store.now, canceled_at=sub["canceled_at"] or store.now)
    sub["cancellation_details"]["reason"] = reason
    if schedule := store.find("subscription_schedule", sub["schedule"] or ""):
        schedule.update(status="canceled", canceled_at=store.now, current_phase=None)
        store.emit("subscription_schedule.canceled", schedule)
    store.emit("customer.subscription.deleted", sub)
    return sub


def resume(store: Store, params: Json, name: str) -> Json:
    """Take up a paused subscription."""
    sub = store.get("subscription", name)
    if sub["status"] != "paused":
        raise invalid("You can only resume a paused subscription.")
    with store.changing(sub):
        sub["status"] = "active"
    store.emit("customer.subscription.resumed", sub)
    return sub


def listed(store: Store, params: Json, _: str = "") -> Json:
    """Those of a customer; canceled ones only when asked for."""
    if "customer" in params:
        store.get("customer", params["customer"], "customer")
    status = params.get("status")
    found = [
        one
        for one in store.all("subscription", customer=params.get("customer"))
        if _fits(one, status) and items.has_price(one, params.get("price"))
    ]
    return store.page(found, params, "/v1/subscriptions")


def _fits(sub: Json, status: str | None) -> bool:
    now: str = sub["status"]
    if status is None:
        return now != "canceled"
    if status == "ended":
        return now in OVER
    return status in {"all", now}


def retrieve(store: Store, _: Json, name: str) -> Json:
    return store.get("subscription", name)


def preview(store: Store, params: Json, _: str = "") -> Json:
    """The invoice that a change, or the next renewal, would make; nothing is kept of it."""
    name = params.get("subscription", "")
    details = params.get("subscription_details", {})
    real, report = store.state, store.on_event
    store.state, store.on_event = real.copy(), lambda event: None
    try:
        sub = store.get("subscription", name, "subscription")
        change = {"proration_behavior": "always_invoice", **details}
        if "items" in details:
            _change_items(store, sub, change)
        else:
            lines = money.usage_lines(store, sub) + money.usual_lines(sub)
            money.finalize(store, money.draft(store, sub, lines, "upcoming"))
        made = snapshot(store.get("invoice", sub["latest_invoice"]))
    finally:
        store.state, store.on_event = real, report
    return {**made, "id": f"upcoming_{made['id']}", "billing_reason": "upcoming", "status": "draft"}
