"""What a client that pays no longer still may do, on every surface of the product."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Client
from accounts.roles import Role
from billing import gate, holds, quota
from billing.models import BillingState, Kind, UsageCounter
from billing.plans import STANDARD
from billing.reconcile import reconcile
from billing.standing import Standing
from chat.models import Conversation, Message
from knowledge.models import Source
from tests.everything import Everything
from tests.house import House, Tenant, refused
from tests.test_tenancy import MEMBERS, PROGRAMS, Address, ask, text, walk

# Open to members of a client whose subscription has ended: paying, taking one's data along,
# leaving, and stopping a key that leaked.
WHEN_LAPSED = {
    "billing",
    "billing_return",
    "billing_waiting",
    "billing_buy",
    "billing_change",
    "billing_keep",
    "billing_cancel",
    "billing_resume",
    "billing_portal",
    "billing_overage",
    "data",
    "set_retention",
    "start_export",
    "export",
    "close_client",
    "keep_client",
    "leave",
    "security",
    "save_name",
    "revoke_key",
}
ENDED: dict[str, Any] = {"status": "canceled", "ever_paid": True}
OVERDUE: dict[str, Any] = {
    "status": "past_due",
    "plan": "basic",
    "past_due_since": timezone.now() - timedelta(days=8),
}


@pytest.fixture(autouse=True)
def sells(selling: None) -> None: ...


def stand(client: Client, **fields: Any) -> Standing:
    BillingState.objects.update_or_create(client=client, defaults=fields)
    client.refresh_from_db()
    return Standing(reconcile(client).standing)


@pytest.fixture
def ended(marigold: Everything) -> Everything:
    assert stand(marigold.client, **ENDED) == Standing.ENDED
    return marigold


@pytest.fixture
def overdue(marigold: Everything) -> Everything:
    assert stand(marigold.client, **OVERDUE) == Standing.GRACE_OVER
    return marigold


@walk(MEMBERS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_when_it_has_ended_members_get_to_billing_and_export_alone(
    ended: Everything, address: Address, method: str
) -> None:
    response = ask(address, ended, ended.people[Role.OWNER], method)
    if response.status_code == 405:
        return
    led_to_billing = response.status_code == 302 and response["Location"] == "/app/billing/"
    if address.name in WHEN_LAPSED:
        assert response.status_code not in {402, 403, 404, 500}
    else:
        assert led_to_billing


@walk(MEMBERS)
def test_when_it_is_overdue_members_see_all_and_change_nothing(
    overdue: Everything, address: Address
) -> None:
    owner = overdue.people[Role.OWNER]
    seen = ask(address, overdue, owner, "GET")
    assert seen.status_code in {200, 302, 405}
    assert (
        seen.status_code != 302 or seen["Location"] != "/app/billing/" or "billing" in address.name
    )
    changed = ask(address, overdue, owner, "POST")
    if address.name not in WHEN_LAPSED and changed.status_code != 405:
        assert changed.status_code == 402
        assert "The last invoice is not paid" in text(changed)


@walk(PROGRAMS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("why", ["ended", "overdue", "suspended", "closing"])
def test_programs_get_nothing_and_are_told_so(
    marigold: Everything, address: Address, method: str, why: str
) -> None:
    stop(marigold.client, why)
    key = f"Bearer {marigold.key_text}"
    response = ask(address, marigold, None, method, Authorization=key)
    if response.status_code != 405:
        assert response.status_code == 402
        assert response.json()["error"]["code"] == "subscription_inactive"  # type: ignore[attr-defined]


def stop(client: Client, why: str) -> None:
    match why:
        case "ended":
            stand(client, **ENDED)
        case "overdue":
            stand(client, **OVERDUE)
        case "suspended":
            holds.suspend(client, actor="staff", reason="Sends spam")
        case "closing":
            client.deletion_due_at = timezone.now() + timedelta(days=14)
            client.save(update_fields=["deletion_due_at"])
            stand(client)
        case "trial over":
            stand(client, trial_ends_at=timezone.now() - timedelta(days=1))


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("ended", gate.Reason.INACTIVE),
        ("overdue", gate.Reason.GRACE_OVER),
        ("suspended", gate.Reason.SUSPENDED),
        ("closing", gate.Reason.CLOSING),
        ("trial over", gate.Reason.TRIAL_OVER),
    ],
)
def test_the_client_alone_is_told_why_and_visitors_all_the_same(
    house: House, shop: Tenant, why: str, reason: gate.Reason
) -> None:
    BillingState.objects.filter(client=shop.client).update(complimentary_until=None)
    stop(shop.client, why)
    client = Client.objects.get(pk=shop.client.pk)
    assert gate.why_inactive(client) == reason
    opened = shop.session()
    assert refused(opened) == (402, "subscription_inactive")
    assert opened.json()["error"]["message"] == gate.NOT_AVAILABLE
    page = shop.http.get(f"/c/{shop.bot.public_id}/").text
    assert gate.NOT_AVAILABLE in page
    assert reason not in page


def test_the_banner_of_an_overdue_client_says_why_and_where_to_pay(overdue: Everything) -> None:
    browser = Browser()
    browser.force_login(overdue.people[Role.EDITOR])
    page = browser.get("/app/knowledge/").content.decode()
    assert "Visitors get no answers. The last invoice is not paid." in page
    assert 'href="/app/billing/"' in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"status": "past_due", "plan": "basic", "past_due_since": timezone.now()},
            "The last payment failed. Everything goes on until",
        ),
        ({"trial_ends_at": timezone.now() + timedelta(days=2)}, "The trial ends on"),
    ],
)
def test_a_banner_tells_what_is_about_to_stop_while_everything_goes_on(
    marigold: Everything, owner: Browser, fields: dict[str, Any], words: str
) -> None:
    stand(marigold.client, **fields)
    assert words in owner.get("/app/knowledge/").content.decode()
    assert Client.objects.get(pk=marigold.client.pk).is_active


def test_a_fresh_trial_and_a_paying_client_see_no_banner(
    marigold: Everything, owner: Browser
) -> None:
    for fields in ({}, {"status": "active", "plan": "basic"}):
        stand(marigold.client, **fields)
        page = owner.get("/app/knowledge/").content.decode()
        assert "The trial ends on" not in page
        assert "To billing" not in page


def test_a_form_upload_of_a_lapsed_client_leaves_nothing(overdue: Everything) -> None:
    browser = Browser()
    browser.force_login(overdue.people[Role.OWNER])
    before = Source.objects.count()
    file = SimpleUploadedFile("more.txt", b"More of it.")
    response = browser.post("/app/knowledge/upload/", {"file": file, "bot": overdue.bot.public_id})
    assert response.status_code == 402
    assert Source.objects.count() == before


def test_a_lapsed_client_gets_no_new_key_in_any_way(overdue: Everything) -> None:
    """The predecessor gave one to whoever asked for it again."""
    browser = Browser()
    browser.force_login(overdue.people[Role.OWNER])
    before = overdue.client.api_keys.count()
    form = {"name": "New", "scopes": ["read"], "mode": "live", "expires": ""}
    assert browser.post("/app/settings/keys/", form).status_code == 402
    rotate = f"/app/settings/keys/{overdue.key.public_id}/rotate/"
    assert browser.post(rotate, {"overlap": "1"}).status_code == 402
    asked = Browser().post(
        "/api/resend-api-key",
        {"email": overdue.people[Role.OWNER].email},
        content_type="application/json",
    )
    assert asked.status_code == 202
    assert overdue.client.api_keys.count() == before


def test_a_cancelled_client_loses_its_chat_and_gets_it_back_by_paying(
    house: House, shop: Tenant
) -> None:
    """The predecessor's cancelled clients kept access."""
    visitor = shop.visitor()
    BillingState.objects.filter(client=shop.client).update(complimentary_until=None, **ENDED)
    reconcile(shop.client)
    for response in (visitor.ask("When?"), shop.session(), shop.chat("When?")):
        assert refused(response) == (402, "subscription_inactive")
    assert refused(shop.upload("a.txt", "A")) == (402, "subscription_inactive")
    BillingState.objects.filter(client=shop.client).update(status="active", plan="basic")
    reconcile(shop.client)
    assert visitor.ask("When?").status_code == 200
    assert shop.upload("a.txt", "A").status_code == 201


def test_of_fifty_questions_at_the_last_answer_of_a_month_one_is_answered(
    house: House, shop: Tenant
) -> None:

    quota.add(shop.client, Kind.ANSWERS, STANDARD.limits.answers - 1)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: shop.chat(f"Question {n}?"), range(50)))
    good = [one for one in answers if one.status_code == 200]
    assert len(good) == 1
    assert {refused(one) for one in answers if one not in good} == {(402, "quota_exceeded")}
    counter = UsageCounter.objects.get(client=shop.client, kind=Kind.ANSWERS)
    assert counter.used == STANDARD.limits.answers
    # Whoever was refused left no question behind either.
    asked = Message.objects.filter(conversation__bot=shop.bot, role="visitor")
    assert asked.count() == 1
    assert Conversation.objects.filter(bot=shop.bot).count() == 1


def test_visitors_are_not_told_how_much_their_shop_has_bought(house: House, shop: Tenant) -> None:

    visitor = shop.visitor()
    quota.add(shop.client, Kind.ANSWERS, STANDARD.limits.answers)
    response = visitor.ask("When do you open?")
    assert refused(response) == (402, "quota_exceeded")
    assert response.json()["error"]["message"] == gate.NOT_AVAILABLE
    assert "answers" in shop.chat("When?").json()["error"]["message"]
