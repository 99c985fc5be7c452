"""The door for Stripe's events: who gets in, what is kept, and what is never believed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from djstripe.models import Event, WebhookEventTrigger

from billing.models import SyncRequest
from billing.webhook import HANDLED, MOST_BYTES
from tests.billing.conftest import KEY, SECRET, Payer
from tests.fakes.stripe_events import sign

URL = "/api/webhooks/stripe"


def send(
    body: bytes | dict[str, Any],
    *,
    secret: str = SECRET,
    at: float | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = {"Stripe-Signature": sign(data, secret, at), **headers}
    found = Browser().post(URL, data, content_type="application/json", headers=signed)
    return found.status_code


def event(payer: Payer, kind: str = "customer.subscription.updated", **fields: Any) -> Any:
    about = {
        "id": "sub_1",
        "object": "subscription",
        "customer": payer.customer,
        "status": "active",
    }
    return {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "api_version": "2026-05-27.dahlia",
        "data": {"object": about},
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        **fields,
    }


def kept() -> tuple[int, int]:
    """How many requests and events lie in the database."""
    return SyncRequest.objects.count(), Event.objects.count()


def test_a_signed_event_is_kept_and_asks_for_a_look_and_nothing_else(payer: Payer) -> None:
    asked = len(payer.fake.requests)
    assert send(event(payer)) == 200
    request = SyncRequest.objects.get()
    assert (request.event_id, request.customer_id) == ("evt_1", payer.customer)
    assert request.expects == {"id": "sub_1", "status": "active"}
    assert Event.objects.get().id == "evt_1"
    assert len(payer.fake.requests) == asked, "the request calls nobody"
    assert payer.state.status == "", "the event's own words are not believed"


def test_a_repeated_event_is_kept_once(payer: Payer) -> None:
    assert {send(event(payer)) for _ in range(8)} == {200}
    assert kept() == (1, 1)


@pytest.mark.parametrize("kind", sorted(HANDLED))
def test_each_kind_that_matters_asks_for_a_look(payer: Payer, kind: str) -> None:
    about: dict[str, Any] = {"id": "x", "object": "x", "customer": {"id": payer.customer}}
    if kind.startswith("customer.") and "subscription" not in kind:
        about = {"id": payer.customer, "object": "customer"}
    assert send(event(payer, kind, data={"object": about})) == 200
    assert SyncRequest.objects.get().customer_id == payer.customer


def test_other_kinds_are_answered_and_forgotten(payer: Payer) -> None:
    assert send(event(payer, "charge.succeeded")) == 200
    assert kept() == (0, 0)


@pytest.mark.parametrize(
    "case",
    ["unsigned", "forged", "tampered", "old", "early", "other secret", "empty header", "junk"],
)
def test_what_stripe_did_not_sign_a_moment_ago_is_refused_and_not_kept(
    payer: Payer, case: str
) -> None:
    body = json.dumps(event(payer)).encode()
    now = time.time()
    headers = {
        "unsigned": None,
        "forged": f"t={int(now)},v1={'0' * 64}",
        "tampered": sign(body + b" ", SECRET),
        "old": sign(body, SECRET, now - 301),
        "early": sign(body, SECRET, now + 3_600),
        "other secret": sign(body, "whsec_other"),
        "empty header": "",
        "junk": "t=٣,v1=\x00,,,=,t",
    }
    header = headers[case]
    signed = {} if header is None else {"Stripe-Signature": header}
    response = Browser().post(URL, body, content_type="application/json", headers=signed)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_signature"
    assert kept() == (0, 0)
    assert not WebhookEventTrigger.objects.exists()


@pytest.mark.parametrize("skew", [-290, 290])
def test_clocks_may_differ_by_minutes(payer: Payer, skew: int) -> None:
    assert send(event(payer), at=time.time() + skew) == 200


def test_while_a_secret_is_replaced_both_are_good(payer: Payer, settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    assert send(event(payer)) == 200
    assert send(event(payer, id="evt_2"), secret="whsec_new") == 200
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new"]
    assert send(event(payer, id="evt_3")) == 400
    assert kept() == (2, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"evt_1"',
        b"\xff\xfe",
        b'{"object": "event"}',
        b"[" * 100_000,
        json.dumps({"object": "event", "id": "evt_1", "type": "invoice.paid"}).encode(),
        json.dumps({"object": "event", "id": 7, "type": "x", "livemode": False}).encode(),
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_a_signed_body_that_is_no_event_is_refused(payer: Payer, body: bytes) -> None:
    assert send(body) == 400
    assert kept() == (0, 0)


@pytest.mark.parametrize("data", [None, [], {}, {"object": None}, {"object": "sub_1"}, 7])
def test_an_event_about_nothing_is_refused(payer: Payer, data: Any) -> None:
    assert send(event(payer, data=data)) == 400
    assert kept() == (0, 0)


def test_an_event_of_the_other_mode_is_refused(payer: Payer) -> None:
    assert send(event(payer, livemode=True)) == 400
    assert kept() == (0, 0)


def test_an_oversized_event_is_refused(payer: Payer) -> None:
    large = event(payer)
    large["data"]["object"]["description"] = "x" * MOST_BYTES
    assert send(large) == 413
    assert kept() == (0, 0)


def test_null_characters_and_long_names_do_no_harm(payer: Payer) -> None:
    odd = event(payer, id="evt_" + "9" * 300)
    odd["data"]["object"]["description"] = "a\x00b"
    odd["data"]["object"]["status"] = "active\x00"
    assert send(odd) == 200
    assert SyncRequest.objects.get().expects["status"] == "active"


@pytest.mark.parametrize("field", ["created", "api_version", "request", "pending_webhooks"])
def test_an_event_that_dj_stripe_cannot_keep_still_asks_for_a_look(
    payer: Payer, field: str
) -> None:
    odd = event(payer)
    del odd[field]
    assert send(odd) == 200
    assert SyncRequest.objects.count() == 1


def test_an_event_of_a_stranger_leaves_no_personal_data(payer: Payer) -> None:
    about = {"id": "cus_other", "object": "customer", "email": "somebody@example.com"}
    assert send(event(payer, "customer.updated", data={"object": about})) == 200
    assert kept() == (1, 0)


def test_without_a_secret_nothing_is_taken(payer: Payer, settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert send(event(payer)) == 503
    assert kept() == (0, 0)


def test_it_takes_posts_alone_and_needs_no_csrf_token(payer: Payer) -> None:
    assert Browser().get(URL).status_code == 405
    strict = Browser(enforce_csrf_checks=True)
    body = json.dumps(event(payer)).encode()
    signed = {"Stripe-Signature": sign(body, SECRET)}
    response = strict.post(URL, body, content_type="application/json", headers=signed)
    assert response.status_code == 200


def test_no_header_and_no_secret_lies_in_the_database_or_the_log(
    payer: Payer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {
        "Cookie": "sessionid=topsecret",
        "Authorization": "Bearer topsecret",
        "X-Forwarded-For": "junk, \x00junk",
    }
    assert send(event(payer), headers=headers) == 200
    payer.subscribe()
    text = caplog.text
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            if table.startswith(("djstripe_", "billing_")):
                cursor.execute(f'SELECT * FROM "{table}"')
                text += repr(cursor.fetchall())
    for secret in ("topsecret", KEY, SECRET):
        assert secret not in text
    assert payer.customer in text
