"""The way to Stripe's payment page, and never two of them at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse

from accounts import audit
from accounts.audit import Action
from accounts.http import MemberRequest
from accounts.models import Client
from billing import catalogue, customers, stripe_api, sync
from billing.entitlement import state_of
from billing.models import Checkout
from billing.plans import Interval, Plan
from billing.pull import pull
from billing.stripe_api import BeingDone, Refused
from chatbot_saas.lib.errors import CallerError, Conflict


def begin(request: MemberRequest, plan: Plan, interval: Interval) -> str:
    """The address of a payment page for this plan.

    Raises Conflict for a client that pays already, NotSetUp, StripeUnavailable. The same page
    again while it is open; a page for another plan ends the one before.
    """
    client = request.client
    price, overage = catalogue.price_id(plan, interval), catalogue.overage_price_id(plan, interval)
    _require_no_subscription(client)
    customer = customers.ensure(client, request.user)
    _end_others(client, plan, interval)
    checkout = _take(request, client, plan, interval)
    if checkout.url:
        return checkout.url
    items: list[Any] = [{"price": price, "quantity": 1}]
    if overage is not None:
        items.append({"price": overage})
    return _open_page(client, checkout, customer, items)


def _require_no_subscription(client: Client) -> None:
    """Ask Stripe itself: a subscription that we have not heard of yet would be paid twice."""
    pull(client)
    client.refresh_from_db()
    if state_of(client).has_subscription:
        raise Conflict(
            "already_subscribed",
            "There is a subscription already: change its plan instead of buying another one.",
        )


def _end_others(client: Client, plan: Plan, interval: Interval) -> None:
    """End an open page for something else. Raises Conflict when it was just paid."""
    open_pages = Checkout.objects.for_client(client).open()
    for checkout in open_pages.exclude(plan=plan.key, interval=interval):
        if checkout.session_id:
            _expire(client, checkout)
        open_pages.filter(pk=checkout.pk).update(state=Checkout.State.EXPIRED)


def _expire(client: Client, checkout: Checkout) -> None:
    try:
        with stripe_api.talking() as stripe:
            stripe.v1.checkout.sessions.expire(checkout.session_id)
    except Refused as refused:
        if refused.is_missing:
            return
        # Paid, or ended by itself: Stripe knows which, and another look tells.
        sync.ask_for(client, "checkout")
        pull(client)
        if not Checkout.objects.filter(pk=checkout.pk, state=Checkout.State.EXPIRED).exists():
            message = "A payment went through just now: it is confirmed within a minute."
            raise Conflict("just_paid", message) from refused


@transaction.atomic
def _take(request: HttpRequest, client: Client, plan: Plan, interval: Interval) -> Checkout:
    """The open payment row for this plan: of two presses at once both get the same."""
    wanted = {"client": client, "plan": plan.key, "interval": interval}
    try:
        with transaction.atomic():
            checkout, made = Checkout.objects.open().get_or_create(
                **wanted, defaults={"state": Checkout.State.OPEN}
            )
    except IntegrityError as error:
        message = "Another payment page was opened at the same moment: please try again."
        raise Conflict("two_pages", message) from error
    if made:
        audit.record(request, client, Action.CHECKOUT_STARTED, plan.name, interval=interval)
    return checkout


def _open_page(client: Client, checkout: Checkout, customer: str, items: list[Any]) -> str:
    page = settings.SITE_URL + reverse("billing")
    params: Any = {
        "mode": "subscription",
        "customer": customer,
        "client_reference_id": client.public_id,
        "line_items": items,
        "success_url": settings.SITE_URL + reverse("billing_return"),
        "cancel_url": page,
        "allow_promotion_codes": True,
        "tax_id_collection": {"enabled": True},
        "billing_address_collection": "auto",
        "customer_update": {"name": "auto", "address": "auto"},
    }
    options: Any = {"idempotency_key": checkout.public_id}
    rows = Checkout.objects.open().filter(pk=checkout.pk)
    try:
        with stripe_api.talking() as stripe:
            session = stripe.v1.checkout.sessions.create(params, options)
    except BeingDone as error:
        message = "The payment page is being opened already: please try again in a moment."
        raise Conflict("opening", message) from error
    except CallerError:
        # If a page was made all the same, nobody has its address. The next try is a new one:
        # Stripe would answer this key with the same failure for a day.
        rows.filter(url="").update(state=Checkout.State.EXPIRED)
        raise
    if not rows.update(session_id=session.id, url=session.url or ""):
        _end_page(session.id)
        raise Conflict("overtaken", "Another payment page was opened meanwhile: please try again.")
    return str(session.url)


def _end_page(session_id: str) -> None:
    """Nobody is led to this one: the row that it was opened for was given up meanwhile."""
    with stripe_api.talking() as stripe:
        stripe.v1.checkout.sessions.expire(session_id)
