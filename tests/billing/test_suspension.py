"""Suspending and resuming: who decides, what stops, and what whom is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.audit import Action
from accounts.models import AuditEvent, Client
from accounts.roles import Role
from billing import gate, holds
from billing.models import BillingState
from billing.reconcile import reconcile
from chatbot_saas.lib.errors import Conflict
from tests.everything import Everything
from tests.house import House, Tenant, refused

STAFF = "support (helper@staff.example)"


@pytest.fixture
def acme(db: None) -> Client:
    return Client.objects.create(name="Acme")


def is_active(client: Client) -> bool:
    return Client.objects.get(pk=client.pk).is_active


def close(client: Client, days: int = 14) -> None:
    due = timezone.now() + timedelta(days=days)
    Client.objects.filter(pk=client.pk).update(deletion_due_at=due)


def test_a_client_without_holds_is_active(acme: Client) -> None:
    Client.objects.filter(pk=acme.pk).update(is_active=False)
    state = reconcile(acme)
    assert is_active(acme)
    assert acme.is_active
    assert BillingState.objects.get() == state


@pytest.mark.parametrize(("suspended", "closing"), [(True, False), (False, True), (True, True)])
def test_a_hold_or_closing_makes_it_inactive(acme: Client, suspended: bool, closing: bool) -> None:
    if suspended:
        BillingState.objects.create(client=acme, suspended_at=timezone.now())
    if closing:
        close(acme)
    reconcile(acme)
    assert not is_active(acme)


def test_suspending_stops_it_and_resuming_lets_it_go_on(acme: Client) -> None:
    holds.suspend(acme, actor=STAFF, reason="Sends spam")
    assert not is_active(acme)
    assert BillingState.objects.get().suspended_reason == "Sends spam"
    holds.resume(acme, actor=STAFF, reason="Sorted out")
    assert is_active(acme)
    events = AuditEvent.objects.filter(client=acme).order_by("pk")
    assert [event.action for event in events] == [Action.CLIENT_SUSPENDED, Action.CLIENT_RESUMED]
    assert {event.actor_name for event in events} == {STAFF}
    assert [event.details["reason"] for event in events] == ["Sends spam", "Sorted out"]


def test_what_is_so_already_is_refused_and_not_noted(acme: Client) -> None:
    with pytest.raises(Conflict):
        holds.resume(acme, actor=STAFF)
    holds.suspend(acme, actor=STAFF, reason="Sends spam")
    with pytest.raises(Conflict):
        holds.suspend(acme, actor=STAFF, reason="Again")
    assert AuditEvent.objects.filter(client=acme).count() == 1


def test_resuming_does_not_open_a_client_that_is_closing(acme: Client) -> None:
    holds.suspend(acme, actor=STAFF, reason="Sends spam")
    close(acme)
    holds.resume(acme, actor=STAFF)
    assert not is_active(acme)


@pytest.mark.parametrize(
    ("give", "field"),
    [(holds.extend_grace, "grace_until"), (holds.give_time, "complimentary_until")],
)
def test_given_days_add_up_from_now_or_from_the_end(acme: Client, give, field: str) -> None:
    past = timezone.now() - timedelta(days=30)
    late = {"status": "past_due", "past_due_since": past}
    BillingState.objects.create(client=acme, **{field: past}, **late)
    for _ in range(2):
        give(acme, actor=STAFF, days=5, reason="Our mistake")
    left = getattr(BillingState.objects.get(), field) - timezone.now()
    assert timedelta(days=9, hours=23) < left <= timedelta(days=10)
    assert AuditEvent.objects.filter(client=acme, details__days=5).count() == 2


@pytest.mark.parametrize("status", ["", "active", "unpaid", "canceled"])
def test_only_an_overdue_payment_has_a_grace_to_extend(acme: Client, status: str) -> None:
    BillingState.objects.create(client=acme, status=status)
    with pytest.raises(Conflict, match="no payment that is overdue"):
        holds.extend_grace(acme, actor=STAFF, days=5, reason="Our mistake")
    assert not AuditEvent.objects.filter(client=acme).exists()


def test_an_active_client_may_do_everything(acme: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        gate.require_chat(acme)
        gate.require_edit(acme)


def test_members_are_told_why_and_suspension_comes_first(acme: Client) -> None:
    Client.objects.filter(pk=acme.pk).update(is_active=False)
    acme.refresh_from_db()
    assert gate.why_inactive(acme) == gate.Reason.INACTIVE
    close(acme)
    acme.refresh_from_db()
    assert gate.why_inactive(acme) == gate.Reason.CLOSING
    holds.suspend(acme, actor=STAFF, reason="Sends spam")
    acme.refresh_from_db()
    with pytest.raises(gate.PaymentRequired, match="suspended") as caught:
        gate.require_edit(acme)
    assert (caught.value.status, caught.value.code) == (402, "subscription_inactive")
    assert "spam" not in caught.value.message


def test_visitors_are_always_told_the_same(acme: Client) -> None:
    close(acme)
    said = set()
    for _ in range(2):
        reconcile(acme)
        with pytest.raises(gate.PaymentRequired) as caught:
            gate.require_chat(acme)
        said.add(caught.value.message)
        BillingState.objects.update(suspended_at=timezone.now())
    assert said == {"This chat is not available at the moment."}


def test_the_dashboard_of_a_suspended_client_is_closed_and_its_owners_are_told_why(
    db: None,
) -> None:
    world = Everything.make("marigold")
    holds.suspend(world.client, actor=STAFF, reason="Sends spam")
    retry = f"/app/knowledge/{world.failed.public_id}/retry/"
    for role, is_told in ((Role.OWNER, True), (Role.EDITOR, False)):
        browser = Browser()
        browser.force_login(world.people[role])
        for page in (browser.get("/app/"), browser.get("/app/billing/"), browser.post(retry)):
            assert page.status_code == 403
            assert "marigold GmbH</bdi> is suspended" in page.content.decode()
            assert ("Sends spam" in page.content.decode()) == is_told


def test_a_suspended_clients_chat_stops_at_once_and_comes_back(house: House, shop: Tenant) -> None:
    visitor = shop.visitor()
    holds.suspend(shop.client, actor=STAFF, reason="Sends spam")
    response = visitor.ask("When do you open?")
    assert refused(response) == (402, "subscription_inactive")
    assert "suspend" not in response.text
    holds.resume(shop.client, actor=STAFF)
    assert visitor.ask("When do you open?").status_code == 200
