"""The one way to Stripe: a client with our key, version and patience, its errors in our words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings
from django.db import connection

from billing.apps import STRIPE_RETRIES, STRIPE_SECONDS
from chatbot_saas.lib.errors import CallerError

logger = logging.getLogger(__name__)


IN_USE = 409


class StripeUnavailable(CallerError):
    """Stripe did not answer, or not to us. What it was asked to change may be changed or not."""

    status = 503
    title = "Our payment provider does not answer"


class PaymentRefused(CallerError):
    """The bank or Stripe refused a payment; the message is meant for people."""

    status = 402
    title = "The payment was refused"


class BeingDone(CallerError):
    """A request with the same idempotency key is under way."""

    status = 409
    title = "It is being done already"


class Refused(CallerError):
    """Stripe understood the request and said no."""

    status = 409
    title = "Our payment provider refused that"

    def __init__(self, message: str, error: stripe.InvalidRequestError) -> None:
        super().__init__("stripe_refused", message)
        self.is_missing = error.code == "resource_missing"
        # Of a meter's events: Stripe names neither the code nor the field in all versions.
        self.is_repeat = "already exists with identifier" in str(error.user_message)


def client() -> stripe.StripeClient:
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@lru_cache(maxsize=4)
def _client(key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": base} if base else None,
        max_network_retries=STRIPE_RETRIES,
        http_client=stripe.RequestsClient(timeout=STRIPE_SECONDS),
    )


@contextmanager
def talking() -> Iterator[stripe.StripeClient]:
    """Stripe's client for a `with` block; its errors come out as ours.

    Never inside a transaction: a slow Stripe would hold every lock that it took. The connection
    to the database is given back while we wait.
    """
    if not connection.in_atomic_block:
        connection.close()
    elif not all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("Stripe is asked inside a transaction")
    try:
        yield client()
    except stripe.CardError as error:
        said = error.user_message or "The card was declined."
        raise PaymentRefused("card_declined", said) from error
    except stripe.InvalidRequestError as error:
        logger.warning("Stripe refused a request: %s %s", error.code, error.param)
        text = "Our payment provider refused that. Please reload the page and try again."
        raise Refused(text, error) from error
    except stripe.StripeError as error:
        if error.http_status == IN_USE:  # its code is lost in the library
            raise BeingDone("being_done", "The same is being done already.") from error
        logger.warning("Stripe: %s", type(error).__name__)
        raise StripeUnavailable(
            "stripe_unavailable",
            "Our payment provider does not answer at the moment. We keep asking: please look here "
            "again in a few minutes, before you try once more.",
            retry_after=60,
        ) from error


def plain(found: Any) -> dict[str, Any]:
    """A Stripe object as plain dicts and lists."""
    return dict(json.loads(str(found)))
