"""A client that is deleted is not billed on, and nothing of its customer is kept here."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Client
from billing import leaving, sync
from billing.models import Checkout, SyncRequest
from billing.plans import BASIC, Interval
from billing.pull import pull
from chatbot_saas.data.deletion import delete_if_due
from knowledge.models import Source
from tests.billing.conftest import Payer
from tests.services.chroma import Chroma


@pytest.fixture
def leaver(payer: Payer, chroma: Chroma) -> Payer:
    """Pays, has an invoice and an event on record, and its time to change its mind is over."""
    payer.subscribe()
    now = timezone.now()
    request = SyncRequest.objects.create(
        customer_id=payer.customer, reason="test", created_at=now, not_before=now
    )
    sync.run(request)
    event = payer.fake.events_of("customer.subscription.created")[-1]
    body = json.dumps(event).encode()
    signed = {"Stripe-Signature": payer.fake.sign(body)}
    sent = Browser().post(
        "/api/webhooks/stripe", body, content_type="application/json", headers=signed
    )
    assert sent.status_code == 200
    Client.objects.filter(pk=payer.client.pk).update(deletion_due_at=now)
    long_ago = now - timedelta(hours=1)
    Source.objects.for_client(payer.client).update(heartbeat_at=long_ago)
    payer.client.exports.update(heartbeat_at=long_ago)
    return payer


def tables_that_name(text: str) -> list[str]:
    """Every table of billing's and dj-stripe's in which this text stands anywhere."""
    found = []
    with connection.cursor() as cursor:
        for name in ("billing", "djstripe"):
            for model in apps.get_app_config(name).get_models():
                cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
                if text in repr(cursor.fetchall()):
                    found.append(model._meta.db_table)
    return found


def test_its_subscription_ends_at_once_and_nothing_names_it_any_more(leaver: Payer) -> None:
    assert len(tables_that_name(leaver.customer)) >= 5
    pk = leaver.client.pk
    assert delete_if_due(pk)
    assert not Client.objects.filter(pk=pk).exists()
    assert leaver.at_stripe()["status"] == "canceled"
    assert tables_that_name(leaver.customer) == []
    assert tables_that_name(leaver.subscription) == []


def test_while_stripe_does_not_answer_nothing_is_deleted(leaver: Payer) -> None:
    pk = leaver.client.pk
    leaver.fake.fail(500, times=None)
    assert not delete_if_due(pk)
    assert Client.objects.filter(pk=pk).exists()
    leaver.fake.behave()
    assert delete_if_due(pk)
    assert leaver.at_stripe()["status"] == "canceled"


def test_two_subscriptions_both_end(leaver: Payer) -> None:
    leaver.fake.make_subscription(leaver.customer, BASIC.lookup_key(Interval.MONTH))
    assert delete_if_due(leaver.client.pk)
    assert leaver.fake.live_subscriptions(leaver.customer) == []


def test_a_page_that_is_paid_at_the_last_moment_is_cancelled_too(payer: Payer) -> None:
    payer.owner.post("/app/billing/buy/", {"order": "basic month"})
    (page,) = payer.fake.all("checkout.session")
    payer.fake.complete_checkout(page["id"])
    leaving.end_everything(payer.client)
    assert payer.fake.live_subscriptions(payer.customer) == []


def test_who_was_deleted_at_stripe_before_leaves_nothing_either(leaver: Payer) -> None:
    leaver.fake.delete_customer(leaver.customer)
    pull(leaver.client)
    assert set(tables_that_name(leaver.customer)) <= {"billing_syncrequest"}


def test_a_worker_that_comes_late_brings_nothing_back(leaver: Payer) -> None:
    found = pull(leaver.client)
    client = leaver.client
    assert found is not None
    assert delete_if_due(client.pk)
    sync._mirror(client, found)
    assert tables_that_name(leaver.customer) == []


def test_an_open_payment_page_is_closed_too(payer: Payer) -> None:
    payer.owner.post("/app/billing/buy/", {"order": "basic month"})
    assert Checkout.objects.open().exists()
    leaving.end_everything(payer.client)
    (page,) = payer.fake.all("checkout.session")
    assert page["status"] == "expired"


def test_what_stripe_still_tells_of_it_afterwards_leaves_no_personal_data(leaver: Payer) -> None:
    assert delete_if_due(leaver.client.pk)
    event = leaver.fake.events_of("customer.subscription.deleted")[-1]
    body = json.dumps(event).encode()
    signed = {"Stripe-Signature": leaver.fake.sign(body)}
    Browser().post("/api/webhooks/stripe", body, content_type="application/json", headers=signed)
    assert tables_that_name(leaver.customer) == ["billing_syncrequest"]
    for request in SyncRequest.objects.open():
        sync.run(request)
    assert SyncRequest.objects.get().error == "unknown customer"
