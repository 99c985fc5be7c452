"""Stripe's events: checked, kept, answered. What they mean is looked up by the worker.

An event is a hint that something changed, no more: its body is never believed, since events come
late, twice and in any order. So the request writes two rows, dj-stripe's of the event and ours of
the work, and calls nobody.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import stripe
from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from djstripe.models import Event

from billing import tasks
from billing.models import BillingState, SyncRequest
from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import BadRequest, CallerError, TooLarge

logger = logging.getLogger(__name__)

MOST_BYTES = 512 * 1024
TOLERANCE_SECONDS = 300
HANDLED = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.expired",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.trial_will_end",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "customer.updated",
        "customer.deleted",
    }
)


class NotSetUp(CallerError):
    status = 503
    title = "Payments are not set up here"


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    try:
        event = _checked(request)
    except CallerError as error:
        return error.response()
    if event["type"] in HANDLED:
        _keep(event)
    return HttpResponse(status=200)


def _checked(request: HttpRequest) -> dict[str, Any]:
    """The event of a request that Stripe signed a moment ago. Raises CallerError."""
    if not settings.STRIPE_WEBHOOK_SECRETS:
        raise NotSetUp("not_set_up", "STRIPE_WEBHOOK_SECRET is not set.")
    body = request.body  # no larger than MAX_BODY_BYTES, which were counted on their way in
    if len(body) > MOST_BYTES:
        raise TooLarge("too_large", f"An event has {MOST_BYTES} bytes at most.")
    _require_signature(body, request.headers.get("Stripe-Signature", ""))
    event = _parsed(body)
    if event["livemode"] is not settings.STRIPE_LIVE_MODE:
        raise BadRequest("wrong_mode", "This endpoint serves the other mode (live or test).")
    return event


def _require_signature(body: bytes, header: str) -> None:
    """One of the secrets must have made it: while a secret is being replaced, two are good."""
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            text = body.decode()
            stripe.WebhookSignature.verify_header(text, header, secret, TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, ValueError):
            continue
        if _signed_at(header) <= time.time() + TOLERANCE_SECONDS:
            return
    raise BadRequest("bad_signature", "The signature is missing, wrong or too old.")


def _signed_at(header: str) -> int:
    """The moment in the header; Stripe's own check refuses old ones but not those to come."""
    stamps = [part.strip()[2:] for part in header.split(",") if part.strip().startswith("t=")]
    return int(stamps[0])


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        # PostgreSQL keeps no NUL in texts, and nobody's name has one.
        event = json.loads(body.replace(b"\\u0000", b""))
    except (ValueError, RecursionError) as error:
        raise BadRequest("not_json", "The body is not JSON.") from error
    if not _is_event(event):
        raise BadRequest("not_an_event", "The body is not an event of Stripe's.")
    return dict(event)


def _is_event(event: Any) -> bool:
    if not isinstance(event, Mapping) or event.get("object") != "event":
        return False
    texts = all(isinstance(event.get(name), str) and event[name] for name in ("id", "type"))
    data = event.get("data")
    has_object = isinstance(data, Mapping) and isinstance(data.get("object"), Mapping)
    return texts and has_object and isinstance(event.get("livemode"), bool)


@transaction.atomic
def _keep(event: dict[str, Any]) -> None:
    """Write the event down once, and what is to be done about it."""
    about = event["data"]["object"]
    now = timezone.now()
    request = SyncRequest(
        event_id=event["id"][:64],
        reason=event["type"][:64],
        customer_id=_customer(about),
        expects=_expectation(event["type"], about),
        created_at=now,
        not_before=now,
    )
    SyncRequest.objects.bulk_create([request], ignore_conflicts=True)
    is_ours = BillingState.objects.filter(stripe_customer_id=request.customer_id).exists()
    if is_ours and not Event.objects.filter(id=event["id"]).exists():
        _keep_for_the_record(event)
    after_commit(tasks.sync_event.delay, request.event_id)


def _keep_for_the_record(event: dict[str, Any]) -> None:
    """dj-stripe's row of the event, for people to look up; nothing hangs on it."""
    try:
        with transaction.atomic():
            Event._create_from_stripe_object(event)
    except (DatabaseError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("dj-stripe cannot keep %s: %s", event["type"], type(error).__name__)


def _customer(about: Mapping[str, Any]) -> str:
    customer = about.get("id") if about.get("object") == "customer" else about.get("customer")
    if isinstance(customer, Mapping):
        customer = customer.get("id")
    return str(customer or "")[:64]


def _expectation(kind: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """What Stripe must say too, once it has caught up with its own event."""
    # "incomplete" is what it is for a moment while its first invoice is being paid.
    if not kind.startswith("customer.subscription.") or about.get("status") == "incomplete":
        return {}
    return {"id": str(about.get("id")), "status": str(about.get("status"))}
