"""What the fake knows: its objects, its clock and its events. Callers hold the lock."""

from __future__ import annotations

import copy
import json
import operator
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from tests.fakes.stripe_errors import Refused, malformed, missing

Json = dict[str, Any]

VERSION = "2026-05-27.dahlia"
DAY = 86_400
MOST_IN_A_LIST = 100
PREFIXES = {
    "account": "acct_",
    "billing.meter": "mtr_",
    "billing.meter_event": "",
    "billing_portal.configuration": "bpc_",
    "billing_portal.session": "bps_",
    "charge": "ch_",
    "checkout.session": "cs_test_",
    "coupon": "",
    "customer": "cus_",
    "event": "evt_",
    "invoice": "in_",
    "line_item": "il_",
    "payment_intent": "pi_",
    "payment_method": "pm_",
    "price": "price_",
    "product": "prod_",
    "promotion_code": "promo_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "subscription_schedule": "sub_sched_",
    "tax_id": "txi_",
    "webhook_endpoint": "we_",
}
BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
NOUNS = {
    "checkout.session": "checkout.session",
    "billing_portal.configuration": "configuration",
    "subscription_schedule": "subscription_schedule",
}


def new_id(kind: str) -> str:
    """An id that no other fake of this process, nor an old database, has."""
    size = 28 if kind == "checkout.session" else 12
    return PREFIXES[kind] + secrets.token_hex(size)


@dataclass
class State:
    """All that a failed request must leave as it was."""

    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    # Proration lines that wait for a subscription's next invoice.
    pending: dict[str, list[Json]] = field(default_factory=dict)
    # Ids of customers whose card is refused.
    declining: set[str] = field(default_factory=set)

    def copy(self) -> State:
        """One that changes of this do not reach; events never change, so they are shared."""
        objects, pending = copy.deepcopy((self.objects, self.pending))
        return State(objects, list(self.events), pending, set(self.declining))


class Store:
    """The objects by kind and id, oldest first, and a clock that can be moved."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.livemode = False
        self.webhook_secret = "whsec_fake"
        # Which parameter the refusal of a repeated meter event names.
        self.duplicate_param = "identifier"
        self.lock = threading.RLock()
        self.state = State()
        self.offset = 0.0
        # Written into events: which request made them.
        self.cause: Json = {"id": None, "idempotency_key": None}
        self.on_event: Callable[[Json], None] = lambda event: None

    @property
    def now(self) -> int:
        """Seconds since 1970 by the movable clock."""
        return int(time.time() + self.offset)

    @now.setter
    def now(self, moment: int) -> None:
        # A little more, so that rounding never shows the second before.
        self.offset = moment + 0.01 - time.time()

    def frozen(self) -> Self:
        """A copy that stays as things are now."""
        twin = copy.copy(self)
        twin.state = self.state.copy()
        return twin

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Put everything back when the block is refused."""
        before = self.state.copy()
        report, self.on_event = self.on_event, lambda event: None
        try:
            yield
        except Refused:
            self.state = before
            raise
        finally:
            self.on_event = report
        for event in self.state.events[len(before.events) :]:
            report(event)

    def add(self, made: Json) -> Json:
        """Keep a new object; refused when its id is taken."""
        kind = made["object"]
        of_kind = self.state.objects.setdefault(kind, {})
        if made["id"] in of_kind:
            text = f"{kind.capitalize()} already exists."
            raise Refused(400, text, code="resource_already_exists", param="id")
        of_kind[made["id"]] = made
        return made

    def remove(self, kind: str, name: str) -> None:
        self.state.objects[kind].pop(name)

    def find(self, kind: str, name: str) -> Json | None:
        return self.state.objects.get(kind, {}).get(name)

    def get(self, kind: str, name: str, param: str = "id") -> Json:
        """The object; refused as missing in Stripe's words. `param` is what named it."""
        found = self.find(kind, name)
        if found is None:
            raise missing(NOUNS.get(kind, kind.split(".")[-1].replace("_", " ")), name, param)
        return found

    def all(self, kind: str, **wanted: Any) -> list[Json]:
        """Those whose fields are as wanted, oldest first; a None asks for nothing."""
        asked = {name: value for name, value in wanted.items() if value is not None}
        return [
            one
            for one in self.state.objects.get(kind, {}).values()
            if all(one.get(name) == value for name, value in asked.items())
        ]

    def anything(self, name: str) -> Json | None:
        """The object of whatever kind with this id."""
        found = (of_kind.get(name) for of_kind in self.state.objects.values())
        return next((one for one in found if one is not None), None)

    def page(self, found: list[Json], params: Json, url: str) -> Json:
        """A list object: newest first, `limit` of them, after or before a given one."""
        limit = params.get("limit", 10)
        if not 1 <= limit <= MOST_IN_A_LIST:
            text = "This value must be between 1 and 100."
            raise malformed("parameter_invalid_integer", "limit", text)
        newest = [one for one in found[::-1] if _in_time(one, params.get("created"))]
        if after := params.get("starting_after"):
            newest = newest[_position(newest, after, "starting_after") + 1 :]
        if before := params.get("ending_before"):
            newest = newest[: _position(newest, before, "ending_before")][-limit:]
        return list_of(newest[:limit], url, has_more=len(newest) > limit)

    def emit(self, kind: str, about: Json, previous: Json | None = None) -> Json:
        """Note an event: a snapshot of its object at this moment."""
        data: Json = {"object": snapshot(about)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": new_id("event"),
            "object": "event",
            "api_version": VERSION,
            "created": self.now,
            "data": data,
            "livemode": self.livemode,
            "pending_webhooks": 1,
            "request": dict(self.cause),
            "type": kind,
        }
        self.state.events.append(event)
        self.on_event(event)
        return event

    @contextmanager
    def changing(self, one: Json, kind: str = "") -> Iterator[Json]:
        """Report what the block changes as one `….updated` event."""
        before = snapshot(one)
        yield one
        after = snapshot(one)
        if previous := {
            name: before.get(name) for name in after if before.get(name) != after[name]
        }:
            self.emit(
                kind or f"{EVENT_NAMES.get(one['object'], one['object'])}.updated", one, previous
            )

    def base(self, kind: str, **fields: Any) -> Json:
        """What nearly every object has."""
        return {
            "id": new_id(kind),
            "object": kind,
            "created": self.now,
            "livemode": self.livemode,
            "metadata": {},
        } | fields


EVENT_NAMES = {"subscription": "customer.subscription", "tax_id": "customer.tax_id"}


def snapshot(one: Json) -> Json:
    """A copy that later changes do not reach, without the private fields (`_…`)."""
    return dict(json.loads(json.dumps(_public(one))))


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _public(one) for name, one in value.items() if not name.startswith("_")}
    if isinstance(value, list):
        return [_public(one) for one in value]
    return value


def list_of(data: list[Json], url: str, *, has_more: bool = False) -> Json:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _in_time(one: Json, wanted: Any) -> bool:
    """Whether it was created when a list's `created` says: a moment, or bounds."""
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return bool(one["created"] == wanted)
    return all(BOUNDS[name](one["created"], moment) for name, moment in wanted.items())


def _position(found: list[Json], name: str, param: str) -> int:
    for place, one in enumerate(found):
        if one["id"] == name:
            return place
    raise missing("object", name, param)


def metadata(before: Json, change: Any) -> Json:
    """Metadata after an update: keys are merged, empty values end them, "" ends all."""
    if change == "":
        return {}
    merged = {**before, **change}
    return {name: value for name, value in merged.items() if value != ""}
