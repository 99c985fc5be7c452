"""Every request that the fake knows: its path, its parameters at Stripe, what answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from stripe import params as p
from stripe.params import billing, billing_portal, checkout

from tests.fakes import stripe_catalogue as catalogue
from tests.fakes import stripe_checkout as pages
from tests.fakes import stripe_customers as customers
from tests.fakes import stripe_schedules as schedules
from tests.fakes import stripe_subscriptions as subscriptions
from tests.fakes.stripe_errors import unknown_url
from tests.fakes.stripe_store import Json, Store

Handler = Callable[[Store, Json, str], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """`{}` in the path stands for an id."""

    method: str
    path: str
    shape: type
    handler: Handler

    def name_in(self, path: str) -> str | None:
        """The id in a path that fits; "" where the route has none, None when it does not fit."""
        found = re.fullmatch(self.path.replace("{}", "([^/]+)"), path)
        if found is None:
            return None
        return found.group(1) if found.groups() else ""


def _get(kind: str, store: Store, params: Json, name: str) -> Json:
    return store.get(kind, name)


def _list(kind: str, path: str, store: Store, params: Json, name: str) -> Json:
    fields = {field: params.get(field) for field in ("customer", "active")}
    return store.page(store.all(kind, **fields), params, path)


def _change(kind: str, store: Store, params: Json, name: str) -> Json:
    return catalogue.change(store, store.get(kind, name), params)


def _delete(kind: str, store: Store, params: Json, name: str) -> Json:
    one = store.get(kind, name)
    store.remove(kind, name)
    store.emit(f"{kind}.deleted", one)
    return {"id": name, "object": kind, "deleted": True}


GET, POST, DELETE = "GET", "POST", "DELETE"
CUSTOMERS = (
    Route(POST, "/v1/customers", p.CustomerCreateParams, customers.create),
    Route(GET, "/v1/customers", p.CustomerListParams, customers.listed),
    Route(GET, "/v1/customers/{}", p.CustomerRetrieveParams, customers.retrieve),
    Route(POST, "/v1/customers/{}", p.CustomerUpdateParams, customers.update),
    Route(DELETE, "/v1/customers/{}", p.CustomerDeleteParams, customers.delete),
    Route(GET, "/v1/customers/{}/tax_ids", p.CustomerTaxIdListParams, customers.tax_ids),
    Route(POST, "/v1/customers/{}/tax_ids", p.CustomerTaxIdCreateParams, customers.create_tax_id),
    Route(
        GET,
        "/v1/customers/{}/payment_methods",
        p.CustomerPaymentMethodListParams,
        customers.payment_methods,
    ),
    Route(GET, "/v1/payment_methods", p.PaymentMethodListParams, customers.payment_methods),
)
CATALOGUE = (
    Route(POST, "/v1/products", p.ProductCreateParams, catalogue.create_product),
    Route(GET, "/v1/products", p.ProductListParams, catalogue.list_products),
    Route(GET, "/v1/products/{}", p.ProductRetrieveParams, partial(_get, "product")),
    Route(POST, "/v1/products/{}", p.ProductUpdateParams, catalogue.update_product),
    Route(DELETE, "/v1/products/{}", p.ProductDeleteParams, partial(_delete, "product")),
    Route(GET, "/v1/products/{}/features", p.ProductFeatureListParams, catalogue.product_features),
    Route(POST, "/v1/prices", p.PriceCreateParams, catalogue.create_price),
    Route(GET, "/v1/prices", p.PriceListParams, catalogue.list_prices),
    Route(GET, "/v1/prices/{}", p.PriceRetrieveParams, partial(_get, "price")),
    Route(POST, "/v1/prices/{}", p.PriceUpdateParams, catalogue.update_price),
    Route(POST, "/v1/coupons", p.CouponCreateParams, catalogue.create_coupon),
    Route(GET, "/v1/coupons", p.CouponListParams, partial(_list, "coupon", "/v1/coupons")),
    Route(GET, "/v1/coupons/{}", p.CouponRetrieveParams, partial(_get, "coupon")),
    Route(DELETE, "/v1/coupons/{}", p.CouponDeleteParams, partial(_delete, "coupon")),
    Route(
        POST, "/v1/promotion_codes", p.PromotionCodeCreateParams, catalogue.create_promotion_code
    ),
    Route(GET, "/v1/promotion_codes", p.PromotionCodeListParams, catalogue.list_promotion_codes),
    Route(
        GET,
        "/v1/promotion_codes/{}",
        p.PromotionCodeRetrieveParams,
        partial(_get, "promotion_code"),
    ),
)
SETUP = (
    Route(GET, "/v1/account", p.AccountRetrieveCurrentParams, catalogue.account),
    Route(GET, "/v1/accounts/{}", p.AccountRetrieveParams, catalogue.account),
    Route(POST, "/v1/billing/meters", billing.MeterCreateParams, catalogue.create_meter),
    Route(GET, "/v1/billing/meters", billing.MeterListParams, catalogue.list_meters),
    Route(
        GET, "/v1/billing/meters/{}", billing.MeterRetrieveParams, partial(_get, "billing.meter")
    ),
    Route(
        POST,
        "/v1/billing/meter_events",
        billing.MeterEventCreateParams,
        catalogue.create_meter_event,
    ),
    Route(
        POST,
        "/v1/billing_portal/configurations",
        billing_portal.ConfigurationCreateParams,
        catalogue.create_configuration,
    ),
    Route(
        GET,
        "/v1/billing_portal/configurations",
        billing_portal.ConfigurationListParams,
        catalogue.list_configurations,
    ),
    Route(
        GET,
        "/v1/billing_portal/configurations/{}",
        billing_portal.ConfigurationRetrieveParams,
        partial(_get, "billing_portal.configuration"),
    ),
    Route(
        POST,
        "/v1/billing_portal/configurations/{}",
        billing_portal.ConfigurationUpdateParams,
        catalogue.update_configuration,
    ),
    Route(POST, "/v1/webhook_endpoints", p.WebhookEndpointCreateParams, catalogue.create_webhook),
    Route(
        GET,
        "/v1/webhook_endpoints",
        p.WebhookEndpointListParams,
        partial(_list, "webhook_endpoint", "/v1/webhook_endpoints"),
    ),
    Route(
        GET,
        "/v1/webhook_endpoints/{}",
        p.WebhookEndpointRetrieveParams,
        partial(_get, "webhook_endpoint"),
    ),
    Route(
        POST,
        "/v1/webhook_endpoints/{}",
        p.WebhookEndpointUpdateParams,
        catalogue.update_webhook,
    ),
    Route(
        DELETE,
        "/v1/webhook_endpoints/{}",
        p.WebhookEndpointDeleteParams,
        catalogue.delete_webhook,
    ),
    Route(GET, "/v1/events", p.EventListParams, customers.events),
    Route(GET, "/v1/events/{}", p.EventRetrieveParams, customers.event),
)
SALES = (
    Route(POST, "/v1/checkout/sessions", checkout.SessionCreateParams, pages.create),
    Route(GET, "/v1/checkout/sessions", checkout.SessionListParams, pages.listed),
    Route(GET, "/v1/checkout/sessions/{}", checkout.SessionRetrieveParams, pages.retrieve),
    Route(POST, "/v1/checkout/sessions/{}/expire", checkout.SessionExpireParams, pages.expire),
    Route(
        GET,
        "/v1/checkout/sessions/{}/line_items",
        checkout.SessionLineItemListParams,
        pages.line_items,
    ),
    Route(
        POST,
        "/v1/billing_portal/sessions",
        billing_portal.SessionCreateParams,
        pages.create_portal,
    ),
)
SUBSCRIPTIONS = (
    Route(POST, "/v1/subscriptions", p.SubscriptionCreateParams, subscriptions.create),
    Route(GET, "/v1/subscriptions", p.SubscriptionListParams, subscriptions.listed),
    Route(GET, "/v1/subscriptions/{}", p.SubscriptionRetrieveParams, subscriptions.retrieve),
    Route(POST, "/v1/subscriptions/{}", p.SubscriptionUpdateParams, subscriptions.update),
    Route(DELETE, "/v1/subscriptions/{}", p.SubscriptionCancelParams, subscriptions.cancel),
    Route(POST, "/v1/subscriptions/{}/resume", p.SubscriptionResumeParams, subscriptions.resume),
    Route(
        GET, "/v1/subscription_items", p.SubscriptionItemListParams, customers.subscription_items
    ),
    Route(POST, "/v1/subscription_schedules", p.SubscriptionScheduleCreateParams, schedules.create),
    Route(GET, "/v1/subscription_schedules", p.SubscriptionScheduleListParams, schedules.listed),
    Route(
        GET,
        "/v1/subscription_schedules/{}",
        p.SubscriptionScheduleRetrieveParams,
        schedules.retrieve,
    ),
    Route(
        POST, "/v1/subscription_schedules/{}", p.SubscriptionScheduleUpdateParams, schedules.update
    ),
    Route(
        POST,
        "/v1/subscription_schedules/{}/release",
        p.SubscriptionScheduleReleaseParams,
        schedules.release,
    ),
    Route(
        POST,
        "/v1/subscription_schedules/{}/cancel",
        p.SubscriptionScheduleCancelParams,
        schedules.cancel,
    ),
)
MONEY = (
    Route(GET, "/v1/invoices", p.InvoiceListParams, customers.invoices),
    Route(POST, "/v1/invoices/create_preview", p.InvoiceCreatePreviewParams, subscriptions.preview),
    Route(GET, "/v1/invoices/{}", p.InvoiceRetrieveParams, partial(_get, "invoice")),
    Route(POST, "/v1/invoices/{}/pay", p.InvoicePayParams, customers.pay_invoice),
    Route(GET, "/v1/invoices/{}/lines", p.InvoiceLineItemListParams, customers.invoice_lines),
    Route(
        GET,
        "/v1/payment_intents/{}",
        p.PaymentIntentRetrieveParams,
        partial(_get, "payment_intent"),
    ),
    Route(GET, "/v1/charges/{}", p.ChargeRetrieveParams, partial(_get, "charge")),
    Route(GET, "/v1/charges", p.ChargeListParams, partial(_list, "charge", "/v1/charges")),
    Route(
        GET,
        "/v1/payment_methods/{}",
        p.PaymentMethodRetrieveParams,
        partial(_get, "payment_method"),
    ),
)
ROUTES = (*CUSTOMERS, *CATALOGUE, *SETUP, *SALES, *SUBSCRIPTIONS, *MONEY)


def route_of(method: str, path: str) -> tuple[Route, str]:
    """The route and the id in the path. Raises Refused as Stripe does for an unknown address."""
    for route in ROUTES:
        if route.method == method and (name := route.name_in(path)) is not None:
            return route, name
    raise unknown_url(method, path)
