"""POST /api/resend-api-key: it never sends a key, and tells nobody anything."""

from __future__ import annotations

import re
import statistics
import time
from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts import key_links
from accounts.models import AuditEvent, Client, KeyLink, Membership, OutboxEmail
from accounts.roles import Role
from tests.accounts.conftest import signed_in
from tests.everything import Everything
from tests.house import House, Tenant
from tests.services.waiting import wait_until

URL = "/api/resend-api-key"
LINK = re.compile(r"https?://\S+?(/accounts/key-link/[\w-]{43}/)")


def ask(email: object) -> tuple[int, bytes]:
    response = Browser().post(URL, {"email": email}, content_type="application/json")
    return response.status_code, response.content


def mailed_link(address: str) -> str:
    key_links.send_to(address)
    found = LINK.search(OutboxEmail.objects.get(recipient=address).text)
    assert found
    return found.group(1)


@pytest.fixture
def address(acme: Everything) -> str:
    return acme.people[Role.OWNER].email


def test_everybody_gets_the_same_answer(acme: Everything, address: str) -> None:
    answers = {ask(one) for one in (address, f"viewer@{acme.mark}.example", "no@where.example")}
    assert len(answers) == 1
    assert answers.pop()[0] == 202


def test_the_owner_of_an_active_client_is_mailed_a_link_and_no_key(
    acme: Everything, address: str
) -> None:
    key_links.send_to(address.upper())
    mail = OutboxEmail.objects.get(recipient=address)
    assert LINK.search(mail.text)
    assert "sk_" not in mail.text + mail.subject
    assert acme.client.name in mail.subject


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR, Role.VIEWER])
def test_who_is_no_owner_gets_nothing(acme: Everything, role: Role) -> None:
    key_links.send_to(acme.people[role].email)
    assert not OutboxEmail.objects.exists()


def test_the_owner_of_a_lapsed_client_gets_nothing(acme: Everything, address: str) -> None:
    Client.objects.filter(pk=acme.client.pk).update(is_active=False)
    key_links.send_to(address)
    key_links.send_to("no@where.example")
    assert not OutboxEmail.objects.exists()


def test_an_owner_of_two_companies_gets_a_link_for_each(
    acme: Everything, rival: Everything, address: str
) -> None:
    Membership.objects.create(client=rival.client, user=acme.people[Role.OWNER], role=Role.OWNER)
    key_links.send_to(address)
    assert OutboxEmail.objects.filter(recipient=address).count() == 2


def test_it_goes_through_the_real_worker(house: House, shop: Tenant) -> None:
    owner = shop.member()
    assert shop.http.post(URL, json={"email": owner.email}).status_code == 202
    wait_until(lambda: KeyLink.objects.filter(user=owner).exists(), 30)


def test_the_link_leads_through_log_in_to_the_keys(acme: Everything, address: str) -> None:
    link = mailed_link(address)
    assert Browser().get(link)["Location"] == f"/accounts/login/?next={link}"
    browser = signed_in(acme, Role.OWNER)
    assert browser.get(link).status_code == 200
    assert browser.post(link)["Location"] == "/app/settings/keys/"
    noted = AuditEvent.objects.for_client(acme.client).values_list("action", flat=True)
    assert {"key.link_sent", "key.link_used"} <= set(noted)


def test_looking_at_the_link_does_not_use_it_up(acme: Everything, address: str) -> None:
    link = mailed_link(address)
    browser = signed_in(acme, Role.OWNER)
    for _ in range(3):
        assert browser.get(link).status_code == 200
    assert browser.post(link).status_code == 302
    assert browser.post(link).status_code == 410
    assert browser.get(link).status_code == 410


def test_it_ends_after_a_quarter_of_an_hour(acme: Everything, address: str) -> None:
    link = mailed_link(address)
    row = KeyLink.objects.get(user=acme.people[Role.OWNER], used_at=None, pk__gt=acme.key_link.pk)
    assert row.expires_at - row.created_at <= timedelta(minutes=15, seconds=1)
    KeyLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert signed_in(acme, Role.OWNER).post(link).status_code == 410


def test_it_is_worth_nothing_to_anybody_else(
    acme: Everything, rival: Everything, address: str
) -> None:
    link = mailed_link(address)
    for world, role in ((rival, Role.OWNER), (acme, Role.ADMIN)):
        assert signed_in(world, role).post(link).status_code == 404
    assert signed_in(acme, Role.OWNER).post(link).status_code == 302


def test_a_tampered_link_is_unknown(acme: Everything, address: str) -> None:
    link = mailed_link(address)
    bent = link[:-2] + ("A" if link[-2] != "A" else "B") + "/"
    assert signed_in(acme, Role.OWNER).get(bent).status_code == 404


def test_an_owner_who_was_demoted_meanwhile_gets_nowhere(acme: Everything, address: str) -> None:
    link = mailed_link(address)
    acme.client.memberships.filter(role=Role.OWNER).update(role=Role.ADMIN)
    assert signed_in(acme, Role.OWNER).post(link).status_code == 404


def test_a_subscription_that_ended_meanwhile_gets_nowhere(acme: Everything, address: str) -> None:
    link = mailed_link(address)
    Client.objects.filter(pk=acme.client.pk).update(is_active=False)
    assert signed_in(acme, Role.OWNER).post(link).status_code == 404


@pytest.mark.parametrize("email", ["", "nobody", "a@b", None, 7, ["a@b.example"], "x" * 300])
def test_what_is_no_address_is_refused(db: None, email: object) -> None:
    assert ask(email)[0] == 400


def test_wrong_methods_are_refused(db: None) -> None:
    assert Browser().get(URL).status_code == 405


def test_an_address_can_be_asked_for_only_so_often(acme: Everything, address: str) -> None:
    for one in (address, "no@where.example"):
        assert [ask(one)[0] for _ in range(6)] == [202] * 5 + [429]


def test_one_place_can_ask_only_so_often(db: None) -> None:
    answers = [ask(f"person{number}@where.example")[0] for number in range(21)]
    assert answers == [202] * 20 + [429]


def test_it_takes_the_same_time_for_everybody(house: House, shop: Tenant) -> None:
    known, took = shop.member().email, {"known": list[float](), "unknown": list[float]()}
    for number in range(40):
        for kind, email in (("known", known), ("unknown", f"nobody{number % 5}@where.example")):
            began = time.perf_counter()
            assert shop.http.post(URL, json={"email": email}).status_code == 202
            took[kind].append(time.perf_counter() - began)
    ratio = statistics.median(took["known"]) / statistics.median(took["unknown"])
    assert 0.67 < ratio < 1.5
