"""Events by the dozen against the real processes: at once, shuffled, doubled, lost."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stripe

from accounts.models import Client, OutboxEmail
from billing import tasks
from billing.models import BillingState, SyncRequest
from billing.plans import PAID, STANDARD, Interval
from billing.webhook import HANDLED
from tests import environment
from tests.fakes.stripe_server import FakeStripe
from tests.house import House, Tenant
from tests.services.django import Worker
from tests.services.net import free_port
from tests.services.waiting import wait_until

# On SQLite one writer at a time makes a thousand a long wait and proves no more.
ROUNDS, CLIENTS = (20, 50) if environment.ON_POSTGRES else (8, 12)
EVENTS = 1_000 if environment.ON_POSTGRES else 90
NAMES = [plan.lookup_key(Interval.MONTH) for plan in PAID]
# What may follow, with the events that Stripe sends of it.
NEXT = {
    "active": ("past_due", "canceled", "paused", "active"),
    "past_due": ("active", "unpaid", "canceled"),
    "unpaid": ("active", "canceled"),
    "paused": ("active", "canceled"),
    "canceled": ("new",),
}


@pytest.fixture
def till(house: House, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """The house's Stripe; this process takes payments too."""
    for name, value in house.till.items():
        settings.__setattr__(name, value)
    settings.STRIPE_WEBHOOK_SECRETS = [house.stripe.webhook_secret]
    monkeypatch.setattr(stripe, "api_base", house.stripe.url)
    house.stripe.deliver_automatically(False, only=HANDLED)
    house.stripe.deliver_pending(drop=1.0)
    yield house.stripe
    house.stripe.behave()


@dataclass
class Payer:
    tenant: Tenant
    owner: str
    customer: str

    @classmethod
    def make(cls, house: House) -> Payer:
        tenant = house.tenant(pays=True)
        owner = tenant.member().email
        customer = house.stripe.make_customer(email=owner)
        BillingState.objects.create(client=tenant.client, stripe_customer_id=customer)
        return cls(tenant, owner, customer)

    @property
    def state(self) -> BillingState:
        return BillingState.objects.get(client=self.tenant.client)

    @property
    def is_active(self) -> bool:
        return Client.objects.get(pk=self.tenant.client.pk).is_active


def at_stripe(fake: FakeStripe, payer: Payer) -> dict[str, Any] | None:
    """The one subscription that goes on, or else the last that ended."""
    found = fake.subscriptions(payer.customer)
    live = [one for one in found if one["status"] != "canceled"]
    assert len(live) <= 1
    return next(iter(live or found[-1:]), None)


def agrees(fake: FakeStripe, payer: Payer) -> bool:
    """Whether our state is what Stripe says."""
    there, state = at_stripe(fake, payer), payer.state
    if there is None:
        return state.status == ""
    lookup_key = there["items"]["data"][0]["price"]["lookup_key"]
    is_good = there["status"] in {"active", "past_due"}  # grace has just begun
    told = (state.subscription_id, state.status, state.plan, payer.is_active)
    return told == (there["id"], there["status"], lookup_key.split("_")[1], is_good)


def is_quiet(*payers: Payer) -> bool:
    customers = [payer.customer for payer in payers]
    return not SyncRequest.objects.open().filter(customer_id__in=customers).exists()


def at_once(fake: FakeStripe, events: list[Any]) -> set[int]:
    with ThreadPoolExecutor(len(events)) as pool:
        return set(pool.map(fake.deliver, events))


def test_eight_copies_at_once_while_stripe_is_slow_are_taken_and_looked_up_once(
    house: House, till: FakeStripe
) -> None:
    payer = Payer.make(house)
    till.make_subscription(payer.customer, STANDARD.lookup_key(Interval.MONTH))
    event = till.events_of("customer.subscription.created")[-1]
    till.delay(0.5)
    assert at_once(till, [event] * 8) == {200}
    assert SyncRequest.objects.filter(customer_id=payer.customer).count() == 1
    wait_until(lambda: agrees(till, payer), 30)


def test_eight_different_events_at_once_while_stripe_is_slow_are_all_taken(
    house: House, till: FakeStripe
) -> None:
    payer = Payer.make(house)
    name = till.make_subscription(payer.customer, STANDARD.lookup_key(Interval.MONTH))
    for status in ("past_due", "active", "paused", "active", "past_due", "unpaid", "canceled"):
        till.set_status(name, status)
    events = [one for one in till.pending() if one["type"].startswith("customer.sub")][-8:]
    assert len({one["id"] for one in events}) == 8
    till.delay(0.5)
    assert at_once(till, events) == {200}
    till.behave()
    wait_until(lambda: agrees(till, payer), 60)
    assert payer.state.status == "canceled"


def test_a_button_pressed_twice_while_stripe_is_slow_is_one_page(
    house: House, till: FakeStripe
) -> None:
    tenant = house.tenant(pays=True)
    owner = tenant.member()
    till.delay(1.5, path="/v1/checkout/sessions", method="POST", times=1)

    def press(after: float) -> httpx.Response:
        time.sleep(after)
        with tenant.dashboard(owner) as browser:
            page = browser.get("/app/billing/").text
            token = page.split('name="csrfmiddlewaretoken" value="')[1].partition('"')[0]
            form = {"order": "basic month", "csrfmiddlewaretoken": token}
            return browser.post("/app/billing/buy/", data=form)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(press, (0, 0.7))
    assert first.status_code == 302, first.text.split('role="alert">')[-1][:200]
    assert second.status_code in {302, 409}
    customer = BillingState.objects.get(client=tenant.client).stripe_customer_id
    pages = till.all("checkout.session", customer=customer)
    assert [page["status"] for page in pages] == ["open"]
    assert first.headers["Location"] == pages[0]["url"]


def test_an_event_whose_message_found_no_broker_is_swept_up(house: House, till: FakeStripe) -> None:
    payer = Payer.make(house)
    till.make_subscription(payer.customer, STANDARD.lookup_key(Interval.MONTH))
    event = till.events_of("customer.subscription.created")[-1]
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    with house.another_web(CELERY_BROKER_URL=nowhere) as without_a_broker:
        till.webhook_url = f"{without_a_broker.base_url}/api/webhooks/stripe"
        try:
            assert till.deliver(event) == 200
        finally:
            till.webhook_url = f"{house.web.url}/api/webhooks/stripe"
    wait_until(lambda: agrees(till, payer), 30)


def move(fake: FakeStripe, payer: Payer, chance: random.Random) -> None:
    """One step in the life of a subscription."""
    now = at_stripe(fake, payer)
    wanted = "new" if now is None else chance.choice(NEXT[now["status"]])
    if wanted == "new":
        fake.make_subscription(payer.customer, chance.choice(NAMES))
    elif now is not None and wanted == now["status"]:
        fake.card_declines(payer.customer, False)
    elif now is not None:
        fake.set_status(now["id"], wanted)


def test_whatever_happens_to_events_each_client_ends_as_stripe_says_and_is_mailed_once(
    house: House, till: FakeStripe
) -> None:
    chance = random.Random(20261125)
    payers = [Payer.make(house) for _ in range(CLIENTS)]
    sent: list[Any] = []
    with Worker(house.env, concurrency=4, directory=environment.folder("four-workers")):
        for _ in range(ROUNDS):
            for payer in payers:
                move(till, payer, chance)
            sent += till.deliver_pending(shuffle=chance, double=0.5, drop=0.1, workers=8)
        assert {one.status for one in sent} == {200}
        assert len(sent) >= EVENTS
        wait_until(lambda: is_quiet(*payers), 300)
        tasks.look_at_everything()  # as every night: it finds what was lost for good
        wait_until(lambda: all(agrees(till, payer) for payer in payers), 120)
        wait_until(lambda: all_are_sent(payers), 60)
    for payer in payers:
        rows = OutboxEmail.objects.filter(recipient=payer.owner)
        got = Counter((mail.subject, mail.text.strip()) for mail in house.mails.to(payer.owner))
        assert got.total() == rows.count(), "each mail that was due went out once"
        keys = [one.dedupe_key.partition(":")[0] for one in rows]
        assert keys.count("payment_failed") <= became(till, payer, "past_due")
        assert keys.count("ended") <= became(till, payer, "canceled")
        assert keys.count("grace_over") <= became(till, payer, "unpaid")


def became(fake: FakeStripe, payer: Payer, status: str) -> int:
    """How often a subscription of theirs came into this status."""
    changes = [one for one in fake.events if one["type"].startswith("customer.subscription.")]
    told = [one["data"]["object"] for one in changes]
    return sum((one["customer"], one["status"]) == (payer.customer, status) for one in told)


def all_are_sent(payers: list[Payer]) -> bool:
    owners = [payer.owner for payer in payers]
    mails = OutboxEmail.objects.filter(recipient__in=owners)
    return not mails.exclude(state=OutboxEmail.State.SENT).exists()
