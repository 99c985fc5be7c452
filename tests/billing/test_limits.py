"""What a plan holds: documents, bytes, members, features. What is there already stays."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from accounts import people
from accounts.models import Client, Invitation, Membership, User
from accounts.roles import Role
from billing.limits import PlanLimit, require_bot, require_document
from billing.plans import BASIC, GIGABYTE, PREMIUM, STANDARD, Plan
from chat.models import Bot
from chat.widget import config, find_bot
from knowledge.models import KnowledgeBase, Source
from tests.billing.buying import buy
from tests.everything import Everything
from tests.house import House, Tenant, refused

WIDGET = {"name": "Helper", "theme": "dark", "position": "left"}


@pytest.fixture(autouse=True)
def sells(selling: None) -> None: ...


def fill(base: KnowledgeBase, documents: int) -> None:
    """Documents that were read long ago: no worker is to look for their files."""
    fields = {"format": "text", "bytes": 10, "state": Source.State.READY}
    Source.objects.bulk_create(
        Source(knowledge_base=base, title=f"{n}", sha256=f"{n:064}", **fields)
        for n in range(documents)
    )


@pytest.mark.parametrize(
    ("documents", "used", "new", "is_held"),
    [
        (199, 0, 1, True),
        (200, 0, 1, False),
        (0, GIGABYTE - 1, 1, True),
        (0, GIGABYTE - 1, 2, False),
        (500, 2 * GIGABYTE, 0, False),
    ],
)
def test_a_document_too_many_or_too_large_is_refused(
    acme: Client, documents: int, used: int, new: int, is_held: bool
) -> None:
    buy(acme, BASIC)
    sizes = {"documents": documents, "used_bytes": used, "new_bytes": new}
    if is_held:
        require_document(acme, **sizes)
        return
    with pytest.raises(PlanLimit, match="What is there stays") as caught:
        require_document(acme, **sizes)
    assert (caught.value.status, caught.value.code) == (402, "plan_limit")


def test_one_bot_too_many_is_refused(acme: Client) -> None:
    buy(acme, BASIC)
    require_bot(acme, bots=0)
    with pytest.raises(PlanLimit, match="Basic has 1 chatbot"):
        require_bot(acme, bots=1)


def test_an_upload_over_the_plan_leaves_nothing_behind(
    owner: Browser, marigold: Everything
) -> None:
    buy(marigold.client, BASIC)
    fill(marigold.base, 200)
    before = Source.objects.count()
    file = SimpleUploadedFile("more.txt", b"More of it.")
    address = f"/app/knowledge/upload/?to={marigold.base.public_id}"
    response = owner.post(address, {"file": file, "bot": marigold.bot.public_id})
    assert response.status_code == 422
    assert "Basic holds 200 documents" in response.content.decode()
    assert Source.objects.count() == before


def test_after_a_smaller_plan_all_documents_stay_and_only_more_is_refused(
    house: House, shop: Tenant
) -> None:
    buy(shop.client, STANDARD)
    fill(shop.base, 250)
    assert shop.upload("one.txt", "One more.").status_code == 201
    buy(shop.client, BASIC)
    assert refused(shop.upload("two.txt", "And another.")) == (402, "plan_limit")
    assert Source.objects.for_client(shop.client).count() == 251
    kept = shop.http.get("/api/documents", headers=shop.bearer)
    assert kept.status_code == 200


def member(client: Client, number: int) -> None:
    user = User.objects.create_user(f"{number}@{client.public_id}.example", "a long password")
    Membership.objects.create(client=client, user=user, role=Role.VIEWER)


def test_members_and_open_invitations_fill_the_seats_of_a_plan(
    owner: Browser, marigold: Everything
) -> None:
    buy(marigold.client, STANDARD)  # ten; there are four members and one invitation
    for number in range(4):
        member(marigold.client, number)
    invite = "/app/settings/members/invite/"
    form = {"email": "ninth@example.com", "role": "viewer"}
    assert owner.post(invite, form).status_code == 302
    full = owner.post(invite, form | {"email": "eleventh@example.com"})
    assert full.status_code == 402
    assert "room for 10 members" in full.content.decode()
    again = owner.post(invite, form)
    assert again.status_code == 302, "whoever was invited already takes no further place"
    assert Invitation.objects.for_client(marigold.client).open().count() == 2


@pytest.mark.parametrize(("others", "may_join"), [(5, True), (6, False)])
def test_whoever_was_invited_joins_while_the_plan_still_has_room(
    marigold: Everything, others: int, may_join: bool
) -> None:
    buy(marigold.client, STANDARD)  # ten; there are four members
    for number in range(others):
        member(marigold.client, number)
    guest = people.with_verified_address(marigold.invitation.email)
    browser = Browser()
    browser.force_login(guest)
    browser.post(f"/app/start/join/{marigold.invitation.public_id}/")
    joined = Membership.objects.filter(client=marigold.client, user=guest)
    assert joined.exists() == may_join
    marigold.invitation.refresh_from_db()
    assert (marigold.invitation.accepted_at is not None) == may_join


@pytest.mark.parametrize(("plan", "has"), [(BASIC, False), (STANDARD, True), (PREMIUM, True)])
def test_only_plans_that_hold_it_leave_out_our_name(
    owner: Browser, marigold: Everything, plan: Plan, has: bool
) -> None:
    buy(marigold.client, plan)
    form = WIDGET | {"hides_our_name": "on", "bot": marigold.bot.public_id}
    response = owner.post("/app/widget/save/", form)
    assert response.status_code == (302 if has else 422)
    assert has or "is not part of Basic" in response.content.decode()
    assert (config(find_bot(marigold.bot.public_id))["branding"] == "") == has


def test_after_a_smaller_plan_our_name_is_back_and_other_changes_go_on(
    owner: Browser, marigold: Everything
) -> None:
    Bot.objects.filter(pk=marigold.bot.pk).update(hides_our_name=True)
    buy(marigold.client, BASIC)
    assert config(find_bot(marigold.bot.public_id))["branding"]
    form = WIDGET | {"hides_our_name": "on", "bot": marigold.bot.public_id}
    assert owner.post("/app/widget/save/", form).status_code == 302


@pytest.mark.parametrize(("plan", "status"), [(BASIC, 402), (STANDARD, 302)])
def test_only_plans_that_hold_it_set_a_retention_period(
    owner: Browser, marigold: Everything, plan: Plan, status: int
) -> None:
    buy(marigold.client, plan)
    response = owner.post("/app/settings/data/retention/", {"keep": "30"})
    assert response.status_code == status
    marigold.client.refresh_from_db()
    assert marigold.client.retention_days == (30 if status == 302 else None)
