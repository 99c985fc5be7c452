"""Support works in somebody's name: openly, noted, and never with what is that person's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Action
from accounts.models import ApiKey, AuditEvent, Client, Export, Invitation, Membership, User
from accounts.roles import Role
from tests.everything import TOKEN, Everything
from tests.test_tenancy import CLOSED, Address

PASSWORD = "a long password"
ACQUIRE, RELEASE = "/hijack/acquire/", "/hijack/release/"
SUPPORT = "support (helper@staff.example)"
FOR_SUPPORT = {
    "documents",
    "document",
    "direct_uploads",
    "direct_upload",
    "finish_upload",
    "document_sync_api",
    "search",
    "switch_client",
    "upload_sources",
    "write_source",
    "retrieval",
    "replace_source",
    "retry_source",
    "delete_source",
    "add_faq",
    "save_faq",
    "retry_faq",
    "delete_faq",
    "import_faqs",
    "add_website",
    "take_website",
    "stop_website",
    "sync_website",
    "delete_website",
    "playground",
    "playground_ask",
    "save_widget",
    "allow_website",
    "delete_conversation",
    "change_company",
}


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("marigold")


@pytest.fixture
def helper(db: None) -> User:
    """Staff who may change users."""
    user = User.objects.create_user("helper@staff.example", PASSWORD, is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_user"))
    return user


@pytest.fixture
def desk(helper: User) -> Browser:
    return signed_in(helper)


@pytest.fixture
def inside(desk: Browser, world: Everything) -> Browser:
    """Support, working as the owner."""
    assert acquire(desk, world.people[Role.OWNER]) == 302
    return desk


def signed_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def acquire(browser: Browser, user: User) -> int:
    return browser.post(ACQUIRE, {"user_pk": user.pk}).status_code


def whoever(browser: Browser) -> str:
    return str(User.objects.get(pk=browser.session["_auth_user_id"]))


def test_staff_with_the_right_work_as_a_member_and_land_on_the_overview(
    world: Everything, desk: Browser
) -> None:
    response = desk.post(ACQUIRE, {"user_pk": world.people[Role.EDITOR].pk})
    assert response["Location"] == "/app/"
    assert whoever(desk) == "editor@marigold.example"


def test_staff_without_the_right_cannot(world: Everything) -> None:
    plain = User.objects.create_user("plain@staff.example", PASSWORD, is_staff=True)
    browser = signed_in(plain)
    assert acquire(browser, world.people[Role.OWNER]) == 403
    assert whoever(browser) == "plain@staff.example"


def test_a_member_with_that_right_by_mistake_cannot(world: Everything) -> None:
    editor = world.people[Role.EDITOR]
    editor.user_permissions.add(Permission.objects.get(codename="change_user"))
    assert acquire(signed_in(editor), world.people[Role.OWNER]) == 403


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_superuser": True}])
def test_never_as_other_staff(desk: Browser, helper: User, rights: dict) -> None:
    other = User.objects.create_user("boss@staff.example", PASSWORD, **rights)
    assert acquire(desk, other) == 403
    assert acquire(desk, helper) == 403


def test_never_as_somebody_deactivated(world: Everything, desk: Browser) -> None:
    person = world.people[Role.VIEWER]
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert acquire(desk, person) == 403


def test_wrong_methods_and_unknown_people_get_nothing(desk: Browser, helper: User) -> None:
    assert desk.get(ACQUIRE).status_code == 400
    assert desk.get(RELEASE).status_code in {403, 405}
    assert desk.post(ACQUIRE, {"user_pk": 10**9}).status_code == 404
    assert desk.post(RELEASE).status_code == 403


def test_a_forged_form_does_not_start_it(world: Everything, helper: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(helper)
    assert acquire(browser, world.people[Role.OWNER]) == 403


def test_nobody_is_led_elsewhere_by_the_form(world: Everything, desk: Browser) -> None:
    sent = {"user_pk": world.people[Role.OWNER].pk, "next": "https://evil.example/"}
    assert desk.post(ACQUIRE, sent)["Location"] == "/app/"


@pytest.mark.parametrize(
    "path",
    ["/", "/pricing/", "/app/knowledge/", "/app/settings/data/", "/app/billing/", "/no/such/page/"],
)
def test_every_page_says_whose_name_it_is_in(inside: Browser, path: str) -> None:
    page = inside.get(path).content.decode()
    assert "You are working as <strong>owner@marigold.example</strong>" in page
    assert f'action="{RELEASE}"' in page


def test_members_themselves_see_no_such_line(world: Everything) -> None:
    page = signed_in(world.people[Role.OWNER]).get("/app/knowledge/").content.decode()
    assert "You are working as" not in page


def test_what_is_done_meanwhile_names_both(inside: Browser) -> None:
    sent = {"name": "Marigold AG", "website": ""}
    assert inside.post("/app/settings/company/save/", sent).status_code == 302
    event = AuditEvent.objects.get(action=Action.CLIENT_CHANGED)
    assert (event.actor_name, event.staff_name) == (
        "owner@marigold.example",
        "helper@staff.example",
    )


def test_the_owners_see_when_it_began_and_ended(inside: Browser, world: Everything) -> None:
    response = inside.post(RELEASE, {"next": reverse("admin:index")})
    assert response["Location"] == "/admin/"
    assert whoever(inside) == "helper@staff.example"
    assert "You are working as" not in inside.get("/").content.decode()
    events = AuditEvent.objects.filter(client=world.client, actor_name=SUPPORT).order_by("pk")
    assert [(event.action, event.target, event.address) for event in events] == [
        (Action.IMPERSONATION_STARTED, "owner@marigold.example", "127.0.0.1"),
        (Action.IMPERSONATION_ENDED, "owner@marigold.example", "127.0.0.1"),
    ]


def test_logging_out_ends_it_too_and_gives_no_way_back(inside: Browser, world: Everything) -> None:
    inside.post("/accounts/logout/")
    assert "_auth_user_id" not in inside.session
    ended = AuditEvent.objects.get(client=world.client, action=Action.IMPERSONATION_ENDED)
    assert (ended.actor_name, ended.address) == (SUPPORT, "127.0.0.1")
    assert inside.post(RELEASE).status_code in {302, 403}
    assert "_auth_user_id" not in inside.session


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "name",
    [
        "account_email",
        "account_change_password",
        "account_set_password",
        "account_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_generate_recovery_codes",
        "mfa_add_webauthn",
        "usersessions_list",
        "socialaccount_connections",
    ],
)
def test_what_is_the_persons_own_stays_theirs(inside: Browser, name: str, method: str) -> None:
    response = inside.generic(method, reverse(name))
    assert response.status_code == 403
    assert "in somebody else&#x27;s name" in response.content.decode()


def test_nothing_that_outlives_the_visit_can_be_made_or_taken(
    inside: Browser, world: Everything
) -> None:
    keys, exports = ApiKey.objects.count(), Export.objects.count()
    data = "/app/settings/data/"
    assert inside.post("/app/settings/keys/", {"name": "mine"}).status_code == 403
    invitation = {"email": "helper@staff.example", "role": "owner"}
    assert inside.post("/app/settings/members/", invitation).status_code == 403
    assert inside.post("/app/settings/account/", {"name": "mine"}).status_code == 403
    assert inside.post(f"{data}export/").status_code == 403
    assert inside.get(f"{data}exports/{world.export.public_id}/").status_code == 403
    assert inside.post(f"{data}close/", {"name": world.client.name}).status_code == 403
    assert (ApiKey.objects.count(), Export.objects.count()) == (keys, exports)
    world.client.refresh_from_db()
    assert world.client.deletion_due_at is None


@pytest.mark.parametrize("address", CLOSED, ids=lambda one: one.name)
def test_support_changes_only_what_it_is_there_for(
    inside: Browser, world: Everything, address: Address
) -> None:
    """Whoever adds an address decides here whether support may change something there."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = inside.generic(method, address.url(world))
        if address.name in FOR_SUPPORT:
            assert response.status_code != 403, method
        else:
            assert response.status_code == 403, method
            assert "in somebody else&#x27;s name" in response.content.decode()


def test_support_accepts_no_invitation(inside: Browser) -> None:
    token = f"marigold-invitation-{TOKEN}"
    assert inside.post(reverse("invitation", kwargs={"token": token})).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/app/start/?another=1",
        "/app/start/join/{theirs}/",
        "/app/settings/invitations/{own}/again/",
        "/app/settings/invitations/{own}/revoke/",
        "/app/settings/members/leave/",
        "/app/settings/account/name/",
        "/app/settings/data/keep/",
        "/app/settings/data/retention/",
    ],
)
def test_memberships_invitations_and_the_companys_end_stay_as_they_are(
    world: Everything, desk: Browser, path: str
) -> None:
    rival, second = Everything.make("tromso"), User.objects.create_user("co@marigold.example")
    Membership.objects.create(client=world.client, user=second, role=Role.OWNER)
    owner = world.people[Role.OWNER]
    Invitation.objects.filter(pk=rival.invitation.pk).update(email=owner.email)
    later = timezone.now() + timedelta(days=7)
    Client.objects.filter(pk=world.client.pk).update(deletion_due_at=later)
    before = everything_of(world)
    acquire(desk, owner)
    form = {"name": "Another", "website": "", "keep": "30"}
    names = {"own": world.invitation.public_id, "theirs": rival.invitation.public_id}
    assert desk.post(path.format(**names), form).status_code == 403
    assert everything_of(world) == before


def everything_of(world: Everything) -> list[object]:
    return [
        [list(model.objects.order_by("pk").values()) for model in (Membership, Invitation, Client)],
        User.objects.get(pk=world.people[Role.OWNER].pk).name,
    ]


def test_the_admin_is_closed_meanwhile(inside: Browser, world: Everything) -> None:
    assert inside.get("/admin/", follow=True).status_code == 403
    assert acquire(inside, world.people[Role.VIEWER]) == 403


def test_members_keep_what_support_may_not_do(world: Everything) -> None:
    browser = signed_in(world.people[Role.OWNER])
    assert browser.get(reverse("account_change_password")).status_code in {200, 302}
    assert browser.get(f"/app/settings/data/exports/{world.export.public_id}/").status_code == 200
