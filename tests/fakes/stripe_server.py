"""A fake Stripe on loopback, over real HTTP/1.1, whose clock, cards and events a test moves.

In a test: `with FakeStripe() as fake: …; fake.complete_checkout(session); fake.advance(days=31)`.
As a process: `python -m tests.fakes.stripe_server --port 9100 --webhook http://localhost:8000/…`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tests.fakes import stripe_catalogue as catalogue
from tests.fakes import stripe_checkout as checkout
from tests.fakes import stripe_customers as customers
from tests.fakes import stripe_life as life
from tests.fakes import stripe_shapes as shapes
from tests.fakes import stripe_subscriptions as subscriptions
from tests.fakes.stripe_app import Recorded, StripeApp
from tests.fakes.stripe_events import Delivery, Disorder, sign
from tests.fakes.stripe_failing import Failing
from tests.fakes.stripe_store import Json, State, snapshot
from tests.services.waiting import wait_until

__all__ = ["Delivery", "FakeStripe", "Recorded"]

CATALOGUE = (
    "product",
    "price",
    "billing.meter",
    "billing_portal.configuration",
    "webhook_endpoint",
    "coupon",
    "promotion_code",
)


class FakeStripe(Failing):
    """The server in a thread of its own; a context manager. Its methods are safe in any thread."""

    def __init__(self, *, port: int = 0) -> None:
        self.port = port
        self._app = StripeApp()
        self._store = self._app.store
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="fake-stripe", daemon=True
        )

    @property
    def url(self) -> str:
        """The address for STRIPE_API_BASE."""
        return self._store.url

    @property
    def requests(self) -> list[Recorded]:
        """What the API was asked since the last `reset()`, oldest first."""
        return list(self._app.requests)

    @property
    def events(self) -> list[Json]:
        """Every event so far, oldest first; each shows its object as it was then."""
        with self._store.lock:
            return list(self._store.state.events)

    @property
    def keys(self) -> set[str]:
        """The API keys that are good; while it is empty, any that begins with sk_ or rk_."""
        return self._app.accepted

    @property
    def livemode(self) -> bool:
        return self._store.livemode

    @livemode.setter
    def livemode(self, live: bool) -> None:
        self._store.livemode = live

    def name_no_duplicate_param(self) -> None:
        """Refuse repeated meter events by the message alone, as is reported of Stripe itself."""
        self._store.duplicate_param = ""

    # The clock.

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self._store.now, UTC)

    def advance(self, **by: float) -> None:
        """Move the clock by `days=…`, `hours=…`; what falls due on the way happens.

        A negative step only turns the clock back, so that a test can begin in the past.
        """
        self.advance_to(self.now + timedelta(**by))

    def advance_to(self, moment: datetime) -> None:
        with self._store.lock:
            until = int(moment.timestamp())
            if until < self._store.now:
                self._store.now = until
            else:
                life.advance(self._store, until)

    # What is there.

    def find(self, name: str) -> Json:
        """Any object by its id, as the API shows it."""
        with self._store.lock:
            found = self._store.anything(name)
            if found is None:
                raise LookupError(f"the fake has no {name}")
            return snapshot(found)

    def all(self, kind: str, **wanted: Any) -> list[Json]:
        """Objects of a kind ("invoice", "checkout.session"), oldest first, by their fields."""
        with self._store.lock:
            return [snapshot(one) for one in self._store.all(kind, **wanted)]

    def customer(self, name: str) -> Json:
        return self.find(name)

    def subscriptions(self, customer: str) -> list[Json]:
        return self.all("subscription", customer=customer)

    def live_subscriptions(self, customer: str) -> list[Json]:
        """Those that are neither over nor still to begin."""
        found = self.subscriptions(customer)
        return [one for one in found if one["status"] in subscriptions.LIVE]

    def invoices(self, customer: str) -> list[Json]:
        return self.all("invoice", customer=customer)

    def events_of(self, kind: str) -> list[Json]:
        return [one for one in self.events if one["type"] == kind]

    # What people and banks do.

    def make_customer(self, **fields: Any) -> str:
        """The id of a new customer, such as `make_customer(email="a@example.com")`."""
        with self._store.lock:
            return str(customers.create(self._store, fields)["id"])

    def make_price(
        self, lookup_key: str, cents: int, interval: str = "month", *, meter: str = ""
    ) -> str:
        """The id of a new price with a product of its own; `meter` names its event."""
        recurring: Json = {"interval": interval}
        with self._store.lock:
            if meter:
                recurring |= {"usage_type": "metered", "meter": self._meter(meter)}
            wanted = {
                "currency": "usd",
                "lookup_key": lookup_key,
                "product_data": {"name": lookup_key},
                "recurring": recurring,
                "unit_amount": cents,
            }
            return str(catalogue.create_price(self._store, wanted)["id"])

    def make_subscription(
        self,
        customer: str,
        *lookup_keys: str,
        status: str = "",
        trial_days: int = 0,
        **params: Any,
    ) -> str:
        """The id of a new subscription with the customer's card, then put into `status`."""
        with self._store.lock:
            method = self._store.add(shapes.payment_method(self._store, customer))
            days = trial_days or (14 if status == "trialing" else 0)
            given = {"default_payment_method": method["id"], "trial_period_days": days}
            wanted = [self._price_item(key) for key in lookup_keys]
            sub = subscriptions.begin(self._store, customer, wanted, given | params)
            if status not in {"", sub["status"]}:
                self.set_status(sub["id"], status)
            return str(sub["id"])

    def set_status(self, subscription: str, status: str) -> None:
        """Put a subscription into a status, with the events that tell of it.

        One that is past due or unpaid gets an open invoice: `pay_open_invoice` makes it active.
        """
        with self._store.lock:
            sub = self._store.get("subscription", subscription)
            if status == "canceled":
                subscriptions.end(self._store, sub, "cancellation_requested")
                return
            if status in {"past_due", "unpaid"}:
                life.fall_behind(self._store, sub, status)
                return
            with self._store.changing(sub):
                sub["status"] = status
            if status == "paused":
                self._store.emit("customer.subscription.paused", sub)

    def complete_checkout(self, session: str) -> str:
        """Pay on a payment page; the id of the new subscription."""
        with self._store.lock:
            if not checkout.complete(self._store, session):
                raise ValueError("the card is declined, so the page stays open")
            return str(self._store.get("checkout.session", session)["subscription"])

    def expire_checkout(self, session: str) -> None:
        with self._store.lock:
            checkout.expire(self._store, {}, session)

    def card_declines(self, customer: str, declines: bool = True) -> None:
        """From now on this customer's card is refused, or works again."""
        with self._store.lock:
            change = set.add if declines else set.discard
            change(self._store.state.declining, customer)

    def pay_open_invoice(self, customer: str) -> list[str]:
        """Pay what is owed with a card that works; the ids of the invoices."""
        with self._store.lock:
            return [one["id"] for one in life.pay_all(self._store, customer)]

    def end_dunning(self, customer: str, status: str) -> None:
        """Stripe gives up on what is past due: it becomes "canceled" or "unpaid"."""
        with self._store.lock:
            life.end_dunning(self._store, customer, status)

    def delete_customer(self, customer: str, *, without_trace: bool = False) -> None:
        """As in Stripe's dashboard; `without_trace` makes even the id unknown."""
        with self._store.lock:
            customers.delete(self._store, {}, customer)
            if without_trace:
                self._store.remove("customer", customer)

    # Events on their way.

    @property
    def webhook_url(self) -> str:
        """Where events go; "" sends none."""
        return self._app.post.url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._app.post.url = url

    @property
    def webhook_secret(self) -> str:
        """What events are signed with, and what a new webhook endpoint is told."""
        return self._store.webhook_secret

    @webhook_secret.setter
    def webhook_secret(self, secret: str) -> None:
        self._store.webhook_secret = secret

    @property
    def deliveries(self) -> list[Delivery]:
        """Every try so far."""
        return list(self._app.post.deliveries)

    def deliver_automatically(self, on: bool = True, only: Collection[str] | None = None) -> None:
        """Send each event at once, in the background; of these types `only`, if given."""
        self._app.post.automatic, self._app.post.only = on, only

    def deliver(
        self, event: Json, *, times: int = 1, secret: str = "", at: float | None = None
    ) -> int:
        """Send an event now, signed with `secret` and the moment `at`; the last status."""
        sent = [self._app.post.send(event, secret=secret, at=at) for _ in range(times)]
        return sent[-1].status

    def pending(self) -> list[Json]:
        """Events that nobody has taken yet, oldest first."""
        return self._app.post.pending()

    def deliver_pending(
        self,
        *,
        shuffle: random.Random | None = None,
        double: float = 0.0,
        drop: float = 0.0,
        workers: int = 1,
    ) -> list[Delivery]:
        """Send what is pending: some twice, some never (those count as sent), in any order."""
        return self._app.post.send_pending(Disorder(shuffle, double, drop), workers)

    def sign(self, body: bytes, secret: str = "", at: float | None = None) -> str:
        """The Stripe-Signature header for any body."""
        return sign(body, secret or self.webhook_secret, at)

    def wait_until(self, predicate: Callable[[], bool], timeout: float = 5.0) -> None:
        wait_until(predicate, timeout)

    # Its own life.

    def release(self) -> None:
        """Let everything that hangs now go on: its connections are cut."""
        self._loop.call_soon_threadsafe(self._app.release)

    def reset(self, *, keep_catalogue: bool = False) -> None:
        """Forget everything but the address it listens on, and the catalogue if told so."""
        with self._store.lock:
            objects = self._store.state.objects if keep_catalogue else {}
            kept = {kind: objects[kind] for kind in CATALOGUE if kind in objects}
            self._store.state = State(objects=kept)
            self._store.offset = 0.0
            self._store.livemode = False
            self._store.webhook_secret = "whsec_fake"
            self._store.duplicate_param = "identifier"
        self._app.post.forget()
        self._app.faults.clear()
        self._app.keys.clear()
        self._app.requests.clear()
        self._app.accepted.clear()
        self.release()

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.port = self._on_loop(self._app.listen(self.port)).result(timeout=10)
        except BaseException:
            self._end_thread()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._app.post.close()
        self._on_loop(self._app.close()).result(timeout=10)
        self._end_thread()

    def _on_loop(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _price_item(self, lookup_key: str) -> Json:
        found = self._store.all("price", lookup_key=lookup_key)
        if not found:
            raise LookupError(f"no price {lookup_key}: use make_price, or manage.py billing_setup")
        return {"price": found[-1]}

    def _meter(self, event_name: str) -> str:
        found = self._store.all("billing.meter", event_name=event_name)
        if found:
            return str(found[0]["id"])
        wanted = {
            "default_aggregation": {"formula": "sum"},
            "display_name": event_name,
            "event_name": event_name,
        }
        return str(catalogue.create_meter(self._store, wanted)["id"])

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--webhook", default="", help="where events are sent at once")
    parser.add_argument("--secret", default="whsec_fake", help="what they are signed with")
    options = parser.parse_args()
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # before the threads, which take it over
    with FakeStripe(port=options.port) as fake:
        fake.webhook_url, fake.webhook_secret = options.webhook, options.secret
        fake.deliver_automatically()
        sys.stdout.write(f"{fake.url}\n")
        sys.stdout.flush()
        signal.sigwait(ending)


if __name__ == "__main__":
    main()
