"""Payment pages and portal visits: made by programs, walked through by people."""

from __future__ import annotations

from tests.fakes import stripe_bills as shapes
from tests.fakes import stripe_items as items
from tests.fakes import stripe_shapes as plain_shapes
from tests.fakes import stripe_subscriptions as subscriptions
from tests.fakes.stripe_errors import invalid, malformed
from tests.fakes.stripe_store import Json, Store

PAGE_ID = "{CHECKOUT_SESSION_ID}"


def create(store: Store, params: Json, _: str = "") -> Json:
    """A payment page for a subscription."""
    if params.get("mode") != "subscription":
        raise invalid("This fake of Stripe has `mode=subscription` only.", "mode")
    _require_pages(params)
    if "customer" in params:
        subscriptions.customer_of(store, params)
    elif "customer_update" in params:
        raise invalid("`customer_update` can only be used with `customer`.", "customer_update")
    _require_name_is_updated(params)
    given = params.get("line_items", [])
    for number, one in enumerate(given):
        _require_quantity(store, one, f"line_items[{number}]")
    lines = items.wanted(store, given, "line_items")
    return store.add(shapes.session(store, params, lines))


def _require_pages(params: Json) -> None:
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("This fake of Stripe has hosted pages only.", "ui_mode")
    if "success_url" not in params:
        text = "Missing required param: success_url."
        raise malformed("parameter_missing", "success_url", text)
    for name in ("success_url", "cancel_url"):
        if not str(params.get(name, "http://")).startswith(("http://", "https://")):
            raise malformed("url_invalid", name, "Not a valid URL")


def _require_name_is_updated(params: Json) -> None:
    collects = params.get("tax_id_collection", {}).get("enabled")
    updates = params.get("customer_update", {}).get("name") == "auto"
    if collects and "customer" in params and not updates:
        raise invalid(
            "Tax ID collection requires updating business name on the customer. To enable tax ID "
            "collection for an existing customer, please set `customer_update[name]` to `auto`."
        )


def _require_quantity(store: Store, one: Json, param: str) -> None:
    price = store.find("price", one.get("price", ""))
    if price and not shapes.is_metered(price) and "quantity" not in one:
        text = "Quantity is required. Add `quantity` to the line item."
        raise invalid(text, f"{param}[quantity]")


def retrieve(store: Store, _: Json, name: str) -> Json:
    return store.get("checkout.session", name)


def listed(store: Store, params: Json, _: str = "") -> Json:
    fields = ("customer", "status", "subscription")
    wanted = {name: params.get(name) for name in fields}
    return store.page(store.all("checkout.session", **wanted), params, "/v1/checkout/sessions")


def line_items(store: Store, _: Json, name: str) -> Json:
    return dict(store.get("checkout.session", name)["_line_items"])


def expire(store: Store, _: Json, name: str) -> Json:
    page = store.get("checkout.session", name)
    if page["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {page['status']}."
        )
    expire_page(store, page)
    return page


def expire_page(store: Store, page: Json) -> None:
    page.update(status="expired", url=None)
    store.emit("checkout.session.expired", page)


def complete(store: Store, name: str) -> bool:
    """A person pays on the page; False when the card is refused and the page stays open."""
    page = store.get("checkout.session", name)
    if page["status"] != "open":
        raise invalid(f"This Checkout Session has a status of {page['status']}.")
    if page["customer"] in store.state.declining:
        return False
    customer = _customer(store, page)
    method = store.add(plain_shapes.payment_method(store, customer["id"]))
    store.emit("payment_method.attached", method)
    data = {**page["_subscription_data"], "default_payment_method": method["id"]}
    lines = [_bought(one) for one in page["_line_items"]["data"]]
    sub = subscriptions.begin(store, customer["id"], lines, data)
    page.update(
        customer=customer["id"],
        customer_details={"email": customer["email"], "name": customer["name"], "tax_ids": []},
        invoice=sub["latest_invoice"],
        payment_status="no_payment_required" if sub["status"] == "trialing" else "paid",
        status="complete",
        subscription=sub["id"],
        url=None,
    )
    store.emit("checkout.session.completed", page)
    return True


def _customer(store: Store, page: Json) -> Json:
    if page["customer"]:
        return store.get("customer", page["customer"], "customer")
    given = {"email": page["customer_email"] or "buyer@example.com", "name": "A Buyer"}
    made = store.add(plain_shapes.customer(store, given))
    store.emit("customer.created", made)
    return made


def _bought(line: Json) -> Json:
    counted = {} if line["quantity"] is None else {"quantity": line["quantity"]}
    return {"price": line["price"], **counted}


def success_url(page: Json) -> str:
    return str(page["success_url"]).replace(PAGE_ID, page["id"])


def create_portal(store: Store, params: Json, _: str = "") -> Json:
    """A visit to the portal, by a configuration that exists."""
    customer = subscriptions.customer_of(store, params)
    settings = _configuration(store, params)
    made = store.base(
        "billing_portal.session",
        configuration=settings["id"],
        customer=customer["id"],
        customer_account=None,
        flow=None,
        locale=params.get("locale"),
        on_behalf_of=None,
        return_url=params.get("return_url") or settings["default_return_url"],
    )
    del made["metadata"]
    made["url"] = f"{store.url}/portal/{made['id']}"
    return store.add(made)


def _configuration(store: Store, params: Json) -> Json:
    if name := params.get("configuration"):
        return store.get("billing_portal.configuration", name, "configuration")
    found = store.all("billing_portal.configuration", active=True)
    if not found:
        raise invalid(
            "No configuration provided and your test mode default configuration has not been "
            "created."
        )
    return found[0]
