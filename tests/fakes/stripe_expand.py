"""The `expand` parameter: references become objects, and fields that are hidden appear."""

from __future__ import annotations

from typing import Any

from tests.fakes.stripe_errors import malformed
from tests.fakes.stripe_store import Json, Store, list_of, snapshot

# Fields that Stripe shows only when they are asked for, and that are empty here.
EMPTY = frozenset(
    {"currency_options", "tiers", "applies_to", "default_source", "total_tax_amounts"}
)
# Lists of a customer, and what is in them; old cards (`sources`) are not in this fake.
OF_CUSTOMER = {"sources": "source", "subscriptions": "subscription", "tax_ids": "tax_id"}


def answer(store: Store, found: Json, expand: list[str]) -> Json:
    """What is sent for an object: a copy without private fields, expanded."""
    shown = snapshot(found)
    for path in expand:
        _expand(store, [(found, shown)], path.split("."), path)
    return shown


def _expand(store: Store, pairs: list[tuple[Json, Json]], steps: list[str], path: str) -> None:
    """Follow the path; a pair is an object as it is kept, and its copy that is sent."""
    step, *rest = steps
    for kept, shown in pairs:
        below = _opened(store, kept, shown, step, path)
        if rest and below:
            _expand(store, below, rest, path)


def _opened(store: Store, kept: Json, shown: Json, step: str, path: str) -> list[tuple[Json, Json]]:
    _reveal(store, kept, shown, step)
    if step not in shown:
        raise malformed("", "expand", f"This property cannot be expanded ({path}).")
    value = shown[step]
    if isinstance(value, str):
        if (target := store.anything(value)) is None:
            return []
        shown[step] = snapshot(target)
        return [(target, shown[step])]
    source: Any = kept.get(step, kept.get(f"_{step}"))
    if isinstance(value, list):
        value[:] = [_whole(store, one) for one in value]
        inside = zip(source, value, strict=True)
        return [(one, copy) for one, copy in inside if isinstance(one, dict)]
    return [(source or value, value)] if isinstance(value, dict) else []


def _whole(store: Store, one: Any) -> Any:
    target = store.anything(one) if isinstance(one, str) else None
    return one if target is None else snapshot(target)


def _reveal(store: Store, kept: Json, shown: Json, step: str) -> None:
    if step in shown:
        return
    if f"_{step}" in kept:
        shown.update(snapshot({step: kept[f"_{step}"]}))
    elif step in EMPTY:
        shown[step] = None
    elif step in OF_CUSTOMER and kept.get("object") == "customer":
        found = store.all(OF_CUSTOMER[step], customer=kept["id"])
        url = f"/v1/customers/{kept['id']}/{step}"
        shown[step] = list_of([snapshot(one) for one in reversed(found)], url)
