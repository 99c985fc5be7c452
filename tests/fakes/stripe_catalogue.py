"""Products, prices, meters, coupons, and how the account is set up."""

from __future__ import annotations

import secrets
from typing import Any

from tests.fakes import stripe_shapes as shapes
from tests.fakes.stripe_errors import invalid, malformed
from tests.fakes.stripe_store import DAY, Json, Store, list_of, metadata, new_id

UNCHANGED = frozenset({"expand", "metadata", "transfer_lookup_key", "disabled"})


def change(store: Store, one: Json, params: Json, kind: str = "") -> Json:
    """Set the fields of an update; "" ends one."""
    with store.changing(one, kind):
        for name in params.keys() - UNCHANGED:
            one[name] = None if params[name] == "" else params[name]
        if "metadata" in params:
            one["metadata"] = metadata(one["metadata"], params["metadata"])
        if "updated" in one:
            one["updated"] = store.now
    return one


def create_product(store: Store, params: Json, _: str = "") -> Json:
    made = store.add(shapes.product(store, params))
    store.emit("product.created", made)
    return made


def update_product(store: Store, params: Json, name: str) -> Json:
    return change(store, store.get("product", name), params)


def list_products(store: Store, params: Json, _: str = "") -> Json:
    found = store.all("product", active=params.get("active"))
    if ids := params.get("ids"):
        found = [one for one in found if one["id"] in ids]
    return store.page(found, params, "/v1/products")


def product_features(store: Store, _: Json, name: str) -> Json:
    store.get("product", name)
    return list_of([], f"/v1/products/{name}/features")


def create_price(store: Store, params: Json, _: str = "") -> Json:
    """A price; of a metered one the meter must exist."""
    if "unit_amount" not in params and "unit_amount_decimal" not in params:
        text = "You must pass one of: unit_amount, unit_amount_decimal, or custom_unit_amount"
        raise malformed("parameter_missing", "unit_amount", text)
    recurring = params.get("recurring") or {}
    if recurring.get("usage_type") == "metered":
        if not recurring.get("meter"):
            text = "Metered prices must be backed by a meter."
            raise invalid(text, "recurring[meter]")
        store.get("billing.meter", recurring["meter"], "recurring[meter]")
    product = _product_of(store, params)
    if key := params.get("lookup_key"):
        _free_lookup_key(store, key, transfer=params.get("transfer_lookup_key", False))
    made = store.add(shapes.price(store, params, product))
    store.emit("price.created", made)
    return made


def _product_of(store: Store, params: Json) -> str:
    if "product_data" in params:
        return str(create_product(store, params["product_data"])["id"])
    if "product" not in params:
        text = "You must pass one of: product, product_data"
        raise malformed("parameter_missing", "product", text)
    return str(store.get("product", params["product"], "product")["id"])


def _free_lookup_key(store: Store, key: str, *, transfer: bool) -> None:
    """A lookup key names one price; another one may take it over."""
    for taken in store.all("price", lookup_key=key):
        if not transfer:
            text = f"A price (`{taken['id']}`) already uses that lookup key."
            raise invalid(text, "lookup_key")
        with store.changing(taken):
            taken["lookup_key"] = None


def update_price(store: Store, params: Json, name: str) -> Json:
    price = store.get("price", name)
    if (key := params.get("lookup_key")) and key != price["lookup_key"]:
        _free_lookup_key(store, key, transfer=params.get("transfer_lookup_key", False))
    return change(store, price, params)


def list_prices(store: Store, params: Json, _: str = "") -> Json:
    wanted = {name: params.get(name) for name in ("active", "currency", "product", "type")}
    found = store.all("price", **wanted)
    if keys := params.get("lookup_keys"):
        found = [one for one in found if one["lookup_key"] in keys]
    return store.page(found, params, "/v1/prices")


def create_meter(store: Store, params: Json, _: str = "") -> Json:
    if store.all("billing.meter", event_name=params["event_name"], status="active"):
        raise invalid(f"An active meter with event name {params['event_name']} already exists.")
    return store.add(shapes.meter(store, params))


def list_meters(store: Store, params: Json, _: str = "") -> Json:
    found = store.all("billing.meter", status=params.get("status"))
    return store.page(found, params, "/v1/billing/meters")


def create_meter_event(store: Store, params: Json, _: str = "") -> Json:
    """Usage of a customer; an identifier is good once in a day."""
    name = params["event_name"]
    if not store.all("billing.meter", event_name=name, status="active"):
        raise invalid(f"No active meter found for event name {name}.", "event_name")
    identifier = params.get("identifier") or secrets.token_hex(16)
    before = store.find("billing.meter_event", identifier)
    if before is not None:
        if before["created"] > store.now - DAY:
            text = f"An event already exists with identifier {identifier}."
            raise invalid(text, store.duplicate_param)
        store.remove("billing.meter_event", identifier)
    store.add(
        {
            "id": identifier,
            "object": "billing.meter_event",
            "created": store.now,
            "event_name": name,
            "identifier": identifier,
            "livemode": store.livemode,
            "payload": params["payload"],
            "timestamp": params.get("timestamp", store.now),
        }
    )
    return without_id(store.get("billing.meter_event", identifier))


def without_id(one: Json) -> Json:
    return {name: value for name, value in one.items() if name != "id"}


def create_configuration(store: Store, params: Json, _: str = "") -> Json:
    made = store.add(shapes.portal_configuration(store, params))
    store.emit("billing_portal.configuration.created", made)
    return made


def update_configuration(store: Store, params: Json, name: str) -> Json:
    one = store.get("billing_portal.configuration", name)
    features = {**one["features"]}
    for feature, given in params.get("features", {}).items():
        features[feature] = {**features[feature], **given}
    given = {**params, "features": features}
    if "business_profile" in params:
        given["business_profile"] = {**one["business_profile"], **params["business_profile"]}
    return change(store, one, given)


def list_configurations(store: Store, params: Json, _: str = "") -> Json:
    wanted = {name: params.get(name) for name in ("active", "is_default")}
    found = store.all("billing_portal.configuration", **wanted)
    return store.page(found, params, "/v1/billing_portal/configurations")


def create_webhook(store: Store, params: Json, _: str = "") -> Json:
    """An endpoint; its secret is told this once."""
    made = store.add(shapes.webhook_endpoint(store, params))
    return {**made, "secret": store.webhook_secret}


def update_webhook(store: Store, params: Json, name: str) -> Json:
    one = store.get("webhook_endpoint", name)
    if "disabled" in params:
        one["status"] = "disabled" if params["disabled"] else "enabled"
    fields: dict[str, Any] = {key: value for key, value in params.items() if key != "metadata"}
    for key in fields.keys() - UNCHANGED:
        one[key] = fields[key]
    if "metadata" in params:
        one["metadata"] = metadata(one["metadata"], params["metadata"])
    return one


def delete_webhook(store: Store, _: Json, name: str) -> Json:
    store.get("webhook_endpoint", name)
    store.remove("webhook_endpoint", name)
    return {"id": name, "object": "webhook_endpoint", "deleted": True}


def create_coupon(store: Store, params: Json, _: str = "") -> Json:
    if "percent_off" not in params and "amount_off" not in params:
        text = "You must pass either percent_off or amount_off."
        raise malformed("parameter_missing", "percent_off", text)
    made = store.add(shapes.coupon(store, params))
    store.emit("coupon.created", made)
    return made


def create_promotion_code(store: Store, params: Json, _: str = "") -> Json:
    store.get("coupon", params["promotion"].get("coupon", ""), "promotion[coupon]")
    code = params.get("code") or new_id("promotion_code")[-8:].upper()
    made = store.add(shapes.promotion_code(store, params, code))
    store.emit("promotion_code.created", made)
    return made


def list_promotion_codes(store: Store, params: Json, _: str = "") -> Json:
    found = store.all("promotion_code", code=params.get("code"), active=params.get("active"))
    return store.page(found, params, "/v1/promotion_codes")


def account(store: Store, _: Json, name: str = "") -> Json:
    if name and name != shapes.ACCOUNT:
        return store.get("account", name)
    return store.find("account", shapes.ACCOUNT) or store.add(shapes.account(store))
