"""Customers, and what belongs to them: tax numbers, invoices, cards, subscription items."""

from __future__ import annotations

from tests.fakes import stripe_catalogue as catalogue
from tests.fakes import stripe_life as life
from tests.fakes import stripe_shapes as shapes
from tests.fakes import stripe_subscriptions as subscriptions
from tests.fakes.stripe_errors import declined, invalid, missing
from tests.fakes.stripe_store import Json, Store


def create(store: Store, params: Json, _: str = "") -> Json:
    made = store.add(shapes.customer(store, params))
    store.emit("customer.created", made)
    return made


def retrieve(store: Store, _: Json, name: str) -> Json:
    """The customer, or what is left of a deleted one."""
    found = store.get("customer", name)
    return stub(name) if found.get("deleted") else found


def stub(name: str) -> Json:
    return {"id": name, "object": "customer", "deleted": True}


def existing(store: Store, name: str) -> Json:
    found = store.get("customer", name)
    if found.get("deleted"):
        raise missing("customer", name)
    return found


def update(store: Store, params: Json, name: str) -> Json:
    one = existing(store, name)
    given = dict(params)
    if "invoice_settings" in given:
        given["invoice_settings"] = {**one["invoice_settings"], **given["invoice_settings"]}
    return catalogue.change(store, one, given)


def delete(store: Store, _: Json, name: str) -> Json:
    """Gone but for its id and its history; its subscriptions end."""
    one = existing(store, name)
    for sub in store.all("subscription", customer=name):
        if sub["status"] not in subscriptions.OVER:
            subscriptions.end(store, sub, "cancellation_requested")
    store.emit("customer.deleted", one)
    one["deleted"] = True
    return stub(name)


def listed(store: Store, params: Json, _: str = "") -> Json:
    there = [one for one in store.all("customer") if not one.get("deleted")]
    if email := params.get("email"):
        there = [one for one in there if one["email"] == email]
    return store.page(there, params, "/v1/customers")


def tax_ids(store: Store, params: Json, name: str) -> Json:
    existing(store, name)
    found = store.all("tax_id", customer=name)
    return store.page(found, params, f"/v1/customers/{name}/tax_ids")


def create_tax_id(store: Store, params: Json, name: str) -> Json:
    existing(store, name)
    made = store.base(
        "tax_id",
        country=None,
        customer=name,
        customer_account=None,
        owner={"type": "customer", "customer": name},
        type=params["type"],
        value=params["value"],
        verification={"status": "pending", "verified_address": None, "verified_name": None},
    )
    del made["metadata"]
    store.emit("customer.tax_id.created", store.add(made))
    return made


def payment_methods(store: Store, params: Json, name: str = "") -> Json:
    customer = name or params.get("customer")
    if customer:
        store.get("customer", customer, "id" if name else "customer")
    found = store.all("payment_method", customer=customer, type=params.get("type"))
    return store.page(found, params, "/v1/payment_methods")


def invoices(store: Store, params: Json, _: str = "") -> Json:
    if "customer" in params:
        store.get("customer", params["customer"], "customer")
    found = store.all("invoice", customer=params.get("customer"), status=params.get("status"))
    if name := params.get("subscription"):
        found = [one for one in found if _subscription_of(one) == name]
    return store.page(found, params, "/v1/invoices")


def _subscription_of(made: Json) -> str:
    return str(made["parent"]["subscription_details"]["subscription"])


def invoice_lines(store: Store, params: Json, name: str) -> Json:
    found = store.get("invoice", name)["lines"]["data"]
    return store.page(found[::-1], params, f"/v1/invoices/{name}/lines")


def pay_invoice(store: Store, _: Json, name: str) -> Json:
    """Try the card now."""
    made = store.get("invoice", name)
    if made["status"] == "paid":
        raise invalid("Invoice is already paid")
    if made["status"] != "open":
        raise invalid(f"Invoice is {made['status']} and cannot be paid.")
    life.retry(store, made)
    if made["status"] != "paid":
        raise declined()
    return made


def subscription_items(store: Store, params: Json, _: str = "") -> Json:
    name = params["subscription"]
    sub = store.get("subscription", name, "subscription")
    found = sub["items"]["data"]
    return store.page(found[::-1], params, f"/v1/subscription_items?subscription={name}")


def events(store: Store, params: Json, _: str = "") -> Json:
    found = list(store.state.events)
    if kind := params.get("type"):
        found = [one for one in found if one["type"] == kind]
    if kinds := params.get("types"):
        found = [one for one in found if one["type"] in kinds]
    return store.page(found, params, "/v1/events")


def event(store: Store, _: Json, name: str) -> Json:
    found = next((one for one in store.state.events if one["id"] == name), None)
    if found is None:
        raise missing("event", name)
    return found
