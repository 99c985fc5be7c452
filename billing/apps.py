from __future__ import annotations

from typing import Any

import stripe
from django.apps import AppConfig

STRIPE_SECONDS = 8.0
STRIPE_RETRIES = 1


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        _keep_the_key_out_of_the_database()
        _have_no_endless_patience()


def _keep_the_key_out_of_the_database() -> None:
    """Let dj-stripe use the key of the settings, and nothing else.

    It looks up which Stripe account a key belongs to and saves both: the secret then lies in a
    table in clear, stays in use after it was replaced, and a restricted key that may not read
    accounts ends every event in an error. There is one account, so nothing is lost without.
    """
    from djstripe.models.base import StripeModel  # noqa: PLC0415 - models are there only now

    def no_account(cls: type, data: Any, api_key: str | None = None, livemode: Any = None) -> None:
        return None

    StripeModel._find_owner_account = classmethod(no_account)


def _have_no_endless_patience() -> None:
    """dj-stripe asks Stripe through the library's own client, which would wait for minutes."""
    stripe.default_http_client = stripe.RequestsClient(timeout=STRIPE_SECONDS)
    stripe.max_network_retries = STRIPE_RETRIES
