"""Events on their way to a webhook: signed, sent once or often, late, lost or out of order."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from tests.fakes.stripe_store import Json, Store

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try; status 0 when nobody answered."""

    event: str
    type: str
    status: int

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Disorder:
    """How events travel: in which order, how many twice, how many not at all."""

    shuffle: random.Random | None = None
    double: float = 0.0
    drop: float = 0.0

    def of(self, events: list[Json]) -> tuple[list[Json], list[Json]]:
        """What is sent, and what is lost."""
        chance = self.shuffle or random.Random(0)
        lost = [one for one in events if chance.random() < self.drop]
        kept = [one for one in events if one not in lost]
        sent = kept + [one for one in kept if chance.random() < self.double]
        if self.shuffle is not None:
            self.shuffle.shuffle(sent)
        return sent, lost


def sign(body: bytes, secret: str, at: float | None = None) -> str:
    """The Stripe-Signature header of a body; signed now, by the real clock, unless told when."""
    stamp = int(time.time() if at is None else at)
    made = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    return f"t={stamp},v1={made.hexdigest()}"


class Post:
    """Sends a store's events to one address, and remembers what has arrived."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.url = ""
        self.automatic = False
        self.only: Collection[str] | None = None
        self.deliveries: list[Delivery] = []
        self._done: set[str] = set()
        self._lock = threading.Lock()
        # Loopback only, so no certificates; no connection stays open between two events.
        idle = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(trust_env=False, verify=False, timeout=PATIENCE, limits=idle)
        self._background = ThreadPoolExecutor(4, thread_name_prefix="fake-stripe-webhook")
        store.on_event = self.noticed

    def noticed(self, event: Json) -> None:
        """A new event: on its way at once when deliveries are automatic."""
        if self.automatic and self.url and self._is_wanted(event):
            self._background.submit(self.send, event)

    def send(self, event: Json, *, secret: str = "", at: float | None = None) -> Delivery:
        """Send one event now, once."""
        body = json.dumps(event, indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(body, secret or self.store.webhook_secret, at),
            "User-Agent": USER_AGENT,
        }
        made = Delivery(event["id"], event["type"], self._post(body, headers))
        with self._lock:
            self.deliveries.append(made)
            if made.is_good:
                self._done.add(event["id"])
        return made

    def pending(self) -> list[Json]:
        """What nobody has taken yet, oldest first."""
        with self.store.lock, self._lock:
            found = [one for one in self.store.state.events if one["id"] not in self._done]
        return [one for one in found if self._is_wanted(one)]

    def send_pending(self, disorder: Disorder, workers: int) -> list[Delivery]:
        """Send what is pending, several at once; what is lost counts as sent."""
        sent, lost = disorder.of(self.pending())
        with self._lock:
            self._done |= {one["id"] for one in lost}
        with ThreadPoolExecutor(workers, thread_name_prefix="fake-stripe-webhooks") as pool:
            return list(pool.map(self.send, sent))

    def forget(self) -> None:
        with self._lock:
            self.deliveries.clear()
            self._done.clear()
        self.url, self.automatic, self.only = "", False, None

    def close(self) -> None:
        self.automatic = False
        self._background.shutdown(cancel_futures=True)
        self._client.close()

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            return self._client.post(self.url, content=body, headers=headers).status_code
        except httpx.TransportError:
            return 0

    def _is_wanted(self, event: Json) -> bool:
        return self.only is None or event["type"] in self.only
