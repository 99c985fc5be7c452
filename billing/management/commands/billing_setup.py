"""manage.py billing_setup: make or check at Stripe what payments need."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import stripe
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing import stripe_api
from billing.setup import Setup


class Command(BaseCommand):
    help = "Make or check products, prices, portal and webhook at Stripe. Can be run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.STRIPE_SECRET_KEY:
            raise CommandError("Set STRIPE_SECRET_KEY first: without it nothing is sold.")
        setup = Setup(stripe_api.client(), dry_run=options["dry_run"])
        try:
            setup.run()
        except stripe.StripeError as error:
            # Its own words for people may name the key.
            raise CommandError(f"Stripe: {type(error).__name__} ({error.code})") from error
        self._report(setup)

    def _report(self, setup: Setup) -> None:
        mode = "live" if settings.STRIPE_LIVE_MODE else "test"
        would = "would " if setup.dry_run else ""
        for line in setup.done:
            self.stdout.write(f"{would}{line}")
        if not setup.done:
            self.stdout.write("Everything is there.")
        self.stdout.write(f"Stripe's {mode} mode.")
        if setup.webhook_secret:
            self.stdout.write(f"Set STRIPE_WEBHOOK_SECRET={setup.webhook_secret} and restart.")
        elif not settings.STRIPE_WEBHOOK_SECRETS:
            self.stdout.write(
                "STRIPE_WEBHOOK_SECRET is not set: it stands on the webhook's page at Stripe."
            )
