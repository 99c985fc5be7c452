"""The names under which `billing_setup` keeps what it made at Stripe."""

from __future__ import annotations

from django.conf import settings

from billing.models import StripeObject
from billing.plans import LOOKUP_PREFIX, Interval, Plan
from chatbot_saas.lib.errors import CallerError

PORTAL = "portal configuration"
WEBHOOK = "webhook endpoint"
METER = "meter of answers"
METER_EVENT = f"{LOOKUP_PREFIX}_answers"


class NotSetUp(CallerError):
    status = 503
    title = "Payments are not set up here yet"


def price_id(plan: Plan, interval: Interval) -> str:
    """Stripe's id of a plan's price. Raises NotSetUp."""
    return stripe_id(plan.lookup_key(interval))


def overage_price_id(plan: Plan, interval: Interval) -> str | None:
    """The metered price of further answers; None for a plan that stops at its limit."""
    if plan.overage_cents is None:
        return None
    return stripe_id(plan.overage_lookup_key(interval))


def stripe_id(name: str) -> str:
    found = StripeObject.objects.filter(name=name, livemode=settings.STRIPE_LIVE_MODE).first()
    if found is None:
        raise NotSetUp(
            "not_set_up",
            "Payments are being set up. Please try again later, or write to our support.",
        )
    return found.stripe_id


def remember(name: str, stripe_id: str) -> None:
    StripeObject.objects.update_or_create(
        name=name, livemode=settings.STRIPE_LIVE_MODE, defaults={"stripe_id": stripe_id}
    )
