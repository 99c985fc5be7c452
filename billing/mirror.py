"""Keep dj-stripe's tables in line with what a pull found: for invoices on pages and for our staff.

Nothing is decided by them, so what dj-stripe cannot read is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import stripe
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError
from django.db.models import Q
from djstripe.models import Customer, Event, Invoice, LineItem, StripeModel, Subscription

logger = logging.getLogger(__name__)

MODELS: Mapping[str, tuple[type[StripeModel], type[stripe.StripeObject]]] = {
    "subscription": (Subscription, stripe.Subscription),
    "invoice": (Invoice, stripe.Invoice),
}
# What dj-stripe raises for objects of a shape that it does not expect.
UNREADABLE = (
    stripe.StripeError,
    DatabaseError,
    ObjectDoesNotExist,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)


def keep(subscriptions: Sequence[Mapping[str, Any]], invoices: Sequence[Mapping[str, Any]]) -> None:
    """Save these objects of Stripe's. Slow (it asks Stripe for what they refer to)."""
    for one in (*subscriptions, *invoices):
        _keep(one)


def forget(customer: str) -> None:
    """Delete what dj-stripe keeps of a customer: names, addresses, invoices, events."""
    about = Q(data__object__customer=customer) | Q(data__object__id=customer)
    Event.objects.filter(about).delete()
    invoices = Invoice.objects.filter(customer__id=customer).values_list("id", flat=True)
    LineItem.objects.filter(stripe_data__invoice__in=list(invoices)).delete()
    # dj-stripe only cuts some of these off from their customer.
    for model in apps.get_app_config("djstripe").get_models():
        if issubclass(model, StripeModel):
            model._default_manager.filter(stripe_data__customer=customer).delete()
    Customer.objects.filter(id=customer).delete()


def _keep(data: Mapping[str, Any]) -> None:
    model, at_stripe = MODELS[data["object"]]
    if model.objects.filter(id=data["id"], stripe_data=data).exists():
        return
    try:
        found = at_stripe.construct_from(dict(data), settings.STRIPE_SECRET_KEY)
        model.sync_from_stripe_data(found)
    except UNREADABLE as error:
        logger.warning("dj-stripe cannot keep %s: %s", data.get("id"), type(error).__name__)
