"""The items of a subscription: read from requests, changed, prorated."""

from __future__ import annotations

from tests.fakes import stripe_bills as shapes
from tests.fakes.stripe_bills import PERIOD, Period
from tests.fakes.stripe_calendar import next_end, step
from tests.fakes.stripe_errors import invalid, malformed, missing
from tests.fakes.stripe_money import amount_of
from tests.fakes.stripe_shapes import plan
from tests.fakes.stripe_store import Json, Store


def wanted(store: Store, given: list[Json], param: str) -> list[Json]:
    """New items with their price objects. Raises Refused for prices that do not go together."""
    if not given:
        raise malformed("parameter_missing", param, f"Missing required param: {param}.")
    found = [_wanted(store, one, f"{param}[{n}]") for n, one in enumerate(given)]
    require_together([one["price"] for one in found], param)
    return found


def _wanted(store: Store, one: Json, param: str) -> Json:
    if "price" not in one:
        raise invalid("This fake of Stripe takes items by `price` only.", param)
    price = price_of(store, one["price"], f"{param}[price]")
    require_countable(price, one, param)
    return {**one, "price": price}


def price_of(store: Store, name: str, param: str) -> Json:
    price = store.get("price", name, param)
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.")
    if price["type"] != "recurring":
        raise invalid("The price specified is set to `type=one_time`.", param)
    return price


def require_countable(price: Json, one: Json, param: str) -> None:
    """A metered price has no quantity: it is counted by its meter."""
    if shapes.is_metered(price) and "quantity" in one:
        text = "Quantity should not be specified where usage_type is `metered`."
        raise invalid(text, f"{param}[quantity]")


def require_together(prices: list[Json], param: str) -> None:
    names = [one["id"] for one in prices]
    if len(set(names)) < len(names):
        raise invalid("Cannot add multiple subscription items with the same price.", param)
    # Stripe's flexible mode allows several intervals; this fake keeps one for each subscription.
    if len({interval_of(one) for one in prices}) > 1:
        raise invalid("All prices must have the same interval in this fake of Stripe.", param)


def interval_of(price: Json) -> tuple[str, int]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def has_price(sub: Json, name: str | None) -> bool:
    return name is None or any(one["price"]["id"] == name for one in sub["items"]["data"])


def begin_period(sub: Json, start: int) -> None:
    """All items run from `start` to the next boundary after it."""
    anchor = sub["billing_cycle_anchor"]
    for part in sub["items"]["data"]:
        recurring = part["price"]["recurring"]
        if start == anchor:
            end = step(anchor, 1, recurring)
        else:
            end = next_end(anchor, start, recurring)
        part[PERIOD[0]], part[PERIOD[1]] = start, end


def replace(store: Store, sub: Json, after: list[Json]) -> None:
    """Put other items in the place of all, in the period of those that go."""
    first = sub["items"]["data"][0]
    period = Period(first[PERIOD[0]], first[PERIOD[1]])
    sub["items"]["data"] = [shapes.item(store, sub["id"], one, period) for one in after]


def change(store: Store, sub: Json, given: list[Json], *, prorate: bool) -> tuple[list[Json], bool]:
    """Change the items; the invoice lines that follow, and whether they are due at once.

    With another interval a new period begins now, which Stripe bills at once.
    """
    before = [dict(one) for one in sub["items"]["data"]]
    sub["items"]["data"] = _changed(store, sub, given)
    prices = [one["price"] for one in sub["items"]["data"]]
    require_together(prices, "items")
    restarts = interval_of(prices[0]) != interval_of(before[0]["price"])
    lines = _credits(store, sub, before) if prorate else []
    if restarts:
        sub["billing_cycle_anchor"] = store.now
        begin_period(sub, store.now)
    if restarts or prorate:
        lines += _charges(store, sub, before, whole=restarts)
    return lines, restarts


def _changed(store: Store, sub: Json, given: list[Json]) -> list[Json]:
    parts = {one["id"]: dict(one) for one in sub["items"]["data"]}
    for number, one in enumerate(given):
        param = f"items[{number}]"
        name = one.get("id")
        if name is None:
            made = _new(store, sub, one, param)
            parts[made["id"]] = made
        elif name not in parts:
            raise missing("subscription_item", name, f"{param}[id]")
        elif one.get("deleted"):
            del parts[name]
        else:
            _change(store, parts[name], one, param)
    if not parts:
        raise invalid("A subscription must have at least one active item.", "items")
    return list(parts.values())


def _new(store: Store, sub: Json, one: Json, param: str) -> Json:
    first = sub["items"]["data"][0]
    period = Period(first[PERIOD[0]], first[PERIOD[1]])
    return shapes.item(store, sub["id"], _wanted(store, one, param), period)


def _change(store: Store, part: Json, one: Json, param: str) -> None:
    if "price" in one:
        price = price_of(store, one["price"], f"{param}[price]")
        require_countable(price, one, param)
        part.update(price=price, plan=plan(price))
    if "quantity" in one:
        part["quantity"] = one["quantity"]


def _same(left: Json, right: Json) -> bool:
    return left["price"]["id"] == right["price"]["id"] and amount_of(left) == amount_of(right)


def _credits(store: Store, sub: Json, before: list[Json]) -> list[Json]:
    """The unused rest of what was paid for and is no more."""
    after = {one["id"]: one for one in sub["items"]["data"]}
    gone = [one for one in before if one["id"] not in after or not _same(one, after[one["id"]])]
    lines = []
    for part in gone:
        if not shapes.is_metered(part["price"]):
            amount = -round(amount_of(part) * _rest(store, part))
            rest = {**part, PERIOD[0]: store.now}
            lines.append(shapes.line(sub, rest, amount, "Unused time", proration=True))
    return lines


def _charges(store: Store, sub: Json, before: list[Json], *, whole: bool) -> list[Json]:
    """What is new, for the rest of the period or for a whole one that begins."""
    known = {one["id"]: one for one in before}
    lines = []
    for part in sub["items"]["data"]:
        old = known.get(part["id"])
        if shapes.is_metered(part["price"]) or (old and _same(old, part) and not whole):
            continue
        share = 1.0 if whole else _rest(store, part)
        shown = part if whole else {**part, PERIOD[0]: store.now}
        amount = round(amount_of(part) * share)
        lines.append(shapes.line(sub, shown, amount, "Remaining time", proration=not whole))
    return lines


def _rest(store: Store, part: Json) -> float:
    start, end = part[PERIOD[0]], part[PERIOD[1]]
    return max(0.0, min(1.0, float(end - store.now) / float(end - start)))
