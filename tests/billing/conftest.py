from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import stripe
from django.core.cache import cache
from django.test import Client as Browser

from accounts.models import Client
from accounts.roles import Role
from billing import stripe_api
from billing.models import BillingState, SyncRequest
from billing.plans import STANDARD, Interval, Plan
from billing.pull import pull
from billing.setup import Setup
from billing.standing import Standing
from tests.everything import Everything
from tests.fakes.stripe_server import FakeStripe

KEY = "sk_test_fake"
SECRET = "whsec_fake"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Limits are counted in the cache."""
    cache.clear()


@pytest.fixture
def selling(settings) -> None:
    """This installation takes payments. Nobody listens at the address of its Stripe."""
    settings.STRIPE_SECRET_KEY = KEY
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture(scope="session")
def fake_stripe() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


@pytest.fixture
def unsold(
    fake_stripe: FakeStripe, selling: None, settings, monkeypatch: pytest.MonkeyPatch
) -> FakeStripe:
    """A Stripe that answers, where nothing was set up yet."""
    fake_stripe.reset()
    settings.STRIPE_API_BASE = fake_stripe.url
    monkeypatch.setattr(stripe, "api_base", fake_stripe.url)  # what dj-stripe asks
    return fake_stripe


@pytest.fixture
def fake(unsold: FakeStripe, db: None) -> FakeStripe:
    """A Stripe where `billing_setup` has run."""
    Setup(stripe_api.client(), dry_run=False).run()
    return unsold


@dataclass
class Payer:
    """A client of marigold's that has a subscription at the fake, and its owner's browser."""

    fake: FakeStripe
    world: Everything
    owner: Browser
    customer: str
    subscription: str = ""

    @property
    def client(self) -> Client:
        return Client.objects.get(pk=self.world.client.pk)

    @property
    def state(self) -> BillingState:
        return BillingState.objects.get(client=self.world.client)

    def standing(self) -> Standing:
        return Standing(self.state.standing)

    def subscribe(self, plan: Plan = STANDARD, interval: Interval = Interval.MONTH) -> None:
        keys = [plan.lookup_key(interval)]
        if plan.overage_cents is not None:
            keys.append(plan.overage_lookup_key(interval))
        self.subscription = self.fake.make_subscription(self.customer, *keys)
        pull(self.client)

    def at_stripe(self) -> dict[str, Any]:
        return self.fake.find(self.subscription)


@pytest.fixture
def payer(fake: FakeStripe, marigold: Everything, owner: Browser) -> Payer:
    """A client with a customer at Stripe, who has bought nothing yet."""
    SyncRequest.objects.all().delete()  # of its earlier life
    customer = fake.make_customer(email="owner@marigold.example")
    BillingState.objects.create(client=marigold.client, stripe_customer_id=customer)
    return Payer(fake, marigold, owner, customer)


@pytest.fixture
def acme(db: None) -> Client:
    return Client.objects.create(name="Acme")


@pytest.fixture
def marigold(db: None) -> Everything:
    return Everything.make("marigold")


@pytest.fixture
def owner(marigold: Everything) -> Browser:
    browser = Browser()
    browser.force_login(marigold.people[Role.OWNER])
    return browser
