"""Subscription schedules: what a subscription becomes when its present phase ends."""

from __future__ import annotations

from tests.fakes import stripe_bills as shapes
from tests.fakes import stripe_items as items
from tests.fakes import stripe_subscriptions as subscriptions
from tests.fakes.stripe_bills import Period
from tests.fakes.stripe_calendar import step
from tests.fakes.stripe_errors import invalid, malformed
from tests.fakes.stripe_store import Json, Store, metadata

KNOWN = frozenset({"end_behavior", "expand", "metadata", "phases", "proration_behavior"})
OPEN = frozenset({"active", "not_started"})


def create(store: Store, params: Json, _: str = "") -> Json:
    """A schedule over a running subscription; its one phase is the present period."""
    if set(params) - {"from_subscription", "expand"}:
        raise invalid("This fake of Stripe makes schedules with `from_subscription` alone.")
    if "from_subscription" not in params:
        name = "from_subscription"
        raise malformed("parameter_missing", name, f"Missing required param: {name}.")
    sub = store.get("subscription", params["from_subscription"], "from_subscription")
    if sub["schedule"]:
        raise invalid(
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"`{sub['schedule']}`.",
            "from_subscription",
        )
    if sub["status"] not in subscriptions.LIVE:
        raise invalid(f"You cannot migrate a subscription that is {sub['status']}.")
    made = store.add(shapes.schedule(store, sub))
    store.emit("subscription_schedule.created", made)
    with store.changing(sub):
        sub["schedule"] = made["id"]
    return made


def retrieve(store: Store, _: Json, name: str) -> Json:
    return store.get("subscription_schedule", name)


def listed(store: Store, params: Json, _: str = "") -> Json:
    found = store.all("subscription_schedule", customer=params.get("customer"))
    return store.page(found, params, "/v1/subscription_schedules")


def update(store: Store, params: Json, name: str) -> Json:
    made = store.get("subscription_schedule", name)
    _require_open(made, "update")
    if unknown := params.keys() - KNOWN:
        raise invalid(f"This fake of Stripe does not do '{min(unknown)}' for schedules.")
    phases = _phases(store, made, params["phases"]) if "phases" in params else made["phases"]
    with store.changing(made):
        made["phases"] = phases
        made["end_behavior"] = params.get("end_behavior", made["end_behavior"])
        if "metadata" in params:
            made["metadata"] = metadata(made["metadata"], params["metadata"])
    sub = store.get("subscription", made["subscription"])
    with store.changing(sub):
        ends = phases[-1]["end_date"] if made["end_behavior"] == "cancel" else None
        sub.update(cancel_at=ends, cancel_at_period_end=False)
        sub["canceled_at"] = store.now if ends else None
    return made


def _require_open(made: Json, what: str) -> None:
    if made["status"] not in OPEN:
        raise invalid(
            f"You cannot {what} a subscription schedule that is currently in the "
            f"`{made['status']}` status. It must be `not_started` or `active`."
        )


def _phases(store: Store, made: Json, given: list[Json]) -> list[Json]:
    if not given:
        raise malformed("parameter_missing", "phases", "Missing required param: phases.")
    current = made["current_phase"]
    if given[0].get("start_date") != current["start_date"]:
        text = "You can not modify the start date of the current phase."
        raise invalid(text, "phases[0][start_date]")
    phases: list[Json] = []
    start = current["start_date"]
    for number, one in enumerate(given):
        is_last = number == len(given) - 1
        phases.append(_phase(store, one, start, f"phases[{number}]", is_last=is_last))
        start = phases[-1]["end_date"]
    _require_same_now(store, made, phases[0])
    return phases


def _phase(store: Store, one: Json, start: int, param: str, *, is_last: bool) -> Json:
    if one.get("start_date", start) != start:
        raise invalid("Phases must follow each other without a gap.", f"{param}[start_date]")
    wanted = items.wanted(store, one["items"], f"{param}[items]")
    price = wanted[0]["price"]
    end = _end(one, start, price["recurring"], param, is_last=is_last)
    if end <= start:
        raise invalid("A phase must end after it starts.", f"{param}[end_date]")
    kept = [
        shapes.phase_item(
            each["price"]["id"],
            None if shapes.is_metered(each["price"]) else each.get("quantity", 1),
        )
        for each in wanted
    ]
    proration = one.get("proration_behavior")
    return shapes.phase(price["currency"], kept, Period(start, end), proration)


def _end(one: Json, start: int, recurring: Json, param: str, *, is_last: bool) -> int:
    if "end_date" in one:
        return int(one["end_date"])
    if "duration" in one:
        return step(start, 1, {"interval_count": 1, **one["duration"]})
    if not is_last:
        text = "Each phase but the last needs an `end_date` or a `duration`."
        raise invalid(text, f"{param}[end_date]")
    return step(start, 1, recurring)


def _require_same_now(store: Store, made: Json, first: Json) -> None:
    sub = store.get("subscription", made["subscription"])
    present = {(one["price"]["id"], one.get("quantity")) for one in sub["items"]["data"]}
    if {(one["price"], one.get("quantity")) for one in first["items"]} != present:
        raise invalid("This fake of Stripe does not change the current phase.", "phases[0][items]")


def release(store: Store, params: Json, name: str) -> Json:
    """Let go of the subscription, which runs on as it is."""
    made = store.get("subscription_schedule", name)
    _require_open(made, "release")
    sub = store.get("subscription", made["subscription"])
    let_go(store, made, sub, keep_end=bool(params.get("preserve_cancel_date")))
    return made


def let_go(store: Store, made: Json, sub: Json, *, keep_end: bool = False) -> None:
    made.update(
        current_phase=None,
        released_at=store.now,
        released_subscription=sub["id"],
        status="released",
        subscription=None,
    )
    store.emit("subscription_schedule.released", made)
    with store.changing(sub):
        sub["schedule"] = None
        if not keep_end:
            sub.update(cancel_at=None, cancel_at_period_end=False, canceled_at=None)


def cancel(store: Store, _: Json, name: str) -> Json:
    made = store.get("subscription_schedule", name)
    _require_open(made, "cancel")
    sub = store.get("subscription", made["subscription"])
    subscriptions.end(store, sub, "cancellation_requested")
    return made


def pass_phase(store: Store, made: Json) -> None:
    """The current phase has ended: the next one's items, or the schedule's own end."""
    sub = store.get("subscription", made["subscription"])
    end = made["current_phase"]["end_date"]
    following = next((one for one in made["phases"] if one["start_date"] == end), None)
    if following is not None:
        _enter(store, made, sub, following)
    elif made["end_behavior"] == "release":
        let_go(store, made, sub)
    else:
        made.update(status="completed", completed_at=store.now, current_phase=None)
        store.emit("subscription_schedule.completed", made)
        sub["schedule"] = None
        subscriptions.end(store, sub, "cancellation_requested")


def _enter(store: Store, made: Json, sub: Json, following: Json) -> None:
    with store.changing(made):
        made["current_phase"] = {name: following[name] for name in ("start_date", "end_date")}
    after = [{**one, "price": store.get("price", one["price"])} for one in following["items"]]
    before = items.interval_of(sub["items"]["data"][0]["price"])
    with store.changing(sub):
        items.replace(store, sub, after)
        if items.interval_of(after[0]["price"]) != before:
            sub["billing_cycle_anchor"] = following["start_date"]
