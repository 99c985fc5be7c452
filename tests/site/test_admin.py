"""The staff's pages: who gets in, what they see and do not see, and what they may do."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Group, Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Action
from accounts.models import AuditEvent, Client, CspReport, Invitation, Membership, OutboxEmail, User
from accounts.roles import Role
from billing.models import BillingState
from knowledge import index
from knowledge.models import KnowledgeBase
from knowledge.vectors import VectorsDown, vectors
from tests.everything import Everything
from tests.house import House, Tenant
from tests.queries import queries
from tests.services.waiting import wait_until
from tests.site.test_pages import INLINE

PASSWORD = "a long password"
ADMINS = sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label)
OURS = [one for one in ADMINS if one[0]._meta.app_label != "auth"]
# Staff look at these and run the actions, but never edit a field.
LOOKED_AT = [one for one in OURS if one[0] is not User]

Pair = tuple[type, ModelAdmin]


def of_each(pairs: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("pair", pairs, ids=lambda pair: pair[0]._meta.label)


@pytest.fixture
def world(db: None) -> Everything:
    return full("marigold")


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_superuser("helper@staff.example", PASSWORD)


@pytest.fixture
def desk(staff: User) -> Browser:
    browser = Browser()
    browser.force_login(staff)
    return browser


def full(mark: str) -> Everything:
    """One of everything, with what only staff see."""
    one = Everything.make(mark)
    owner = one.people[Role.OWNER]
    BillingState.objects.create(client=one.client)
    Authenticator.objects.create(user=owner, type="totp", data={"secret": f"{mark}-totp-secret"})
    UserSession.objects.create(
        user=owner, ip="192.0.2.1", session_key=f"{mark}-session-key", user_agent="Firefox"
    )
    SocialAccount.objects.create(user=owner, provider="github", uid=f"{mark}-uid")
    Group.objects.create(name=f"{mark} group")
    OutboxEmail.objects.create(
        dedupe_key=f"{mark}-mail",
        recipient=f"invited@{mark}.example",
        sender="a@b.example",
        subject=f"Join {mark}",
        text=f"{mark}-code-in-a-mail",
        attempts=3,
        not_before=timezone.now() + timedelta(hours=1),
    )
    CspReport.objects.create(
        digest=mark, directive="style-src", blocked="inline", page="/app/", last_at=timezone.now()
    )
    return one


def secrets(world: Everything) -> list[str]:
    mark = world.mark
    texts = [f"When does {mark} open?", f"{mark} opens at nine"]
    made = [f"{mark}-totp-secret", f"{mark}-session-key", f"{mark}-code-in-a-mail"]
    hashes = [world.key.digest, world.invitation.digest, world.key_link.digest]
    return [*texts, *made, *hashes, world.key_text, "argon2"]


def url(model: type, page: str, *args: object) -> str:
    meta = model._meta  # type: ignore[attr-defined]
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def pages(pair: Pair) -> list[str]:
    model = pair[0]
    found = [url(model, "changelist"), f"{url(model, 'changelist')}?q=marigold"]
    row = model._default_manager.first()  # type: ignore[attr-defined]
    if row is not None:
        found += [url(model, page, row.pk) for page in ("change", "history")]
    return found


def step(client: Client, name: str) -> str:
    return reverse("admin:accounts_client_step", kwargs={"pk": client.pk, "name": name})


def run(desk: Browser, model: type, name: str, *rows: object) -> str:
    """Run an action of a list on these rows; what the page says afterwards."""
    chosen = {"action": name, "_selected_action": [row.pk for row in rows]}  # type: ignore[attr-defined]
    response = desk.post(url(model, "changelist"), chosen, follow=True)
    assert response.status_code == 200
    return response.content.decode()


# --- Who gets in -----------------------------------------------------------------------------


def test_nobody_is_led_to_the_log_in_that_everybody_uses(db: None) -> None:
    response = Browser().get("/admin/", follow=True)
    assert response.request["PATH_INFO"] == "/accounts/login/"
    assert "next=/admin/" in response.redirect_chain[-1][0].replace("%2F", "/")


def test_members_who_are_no_staff_are_refused(world: Everything) -> None:
    browser = Browser()
    browser.force_login(world.people[Role.OWNER])
    assert browser.get("/admin/", follow=True).status_code == 403


def test_a_superuser_made_in_a_terminal_can_log_in(db: None, monkeypatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email="first@staff.example", verbosity=0)
    browser = Browser()
    sent = {"login": "first@staff.example", "password": PASSWORD}
    response = browser.post("/accounts/login/?next=/admin/", sent)
    assert response["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_a_second_factor_is_asked_of_staff_where_that_is_set(
    world: Everything, staff: User, desk: Browser, settings
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = True
    for path in ("/admin/", url(Client, "changelist"), step(world.client, "suspend")):
        assert desk.get(path)["Location"] == "/accounts/2fa/"
    person = world.people[Role.VIEWER]
    assert desk.post(reverse("hijack:acquire"), {"user_pk": person.pk}).status_code == 403
    Authenticator.objects.create(user=staff, type="totp", data={})
    assert desk.get("/admin/").status_code == 200


def test_staff_without_rights_see_nothing(world: Everything) -> None:
    new = User.objects.create_user("new@staff.example", PASSWORD, is_staff=True)
    browser = Browser()
    browser.force_login(new)
    assert browser.get("/admin/").status_code == 200
    for model, _ in ADMINS:
        assert browser.get(url(model, "changelist")).status_code == 403
    assert browser.get(step(world.client, "suspend")).status_code == 404


def test_staff_who_may_only_look_get_no_buttons(world: Everything) -> None:
    looker = User.objects.create_user("looker@staff.example", PASSWORD, is_staff=True)
    names = ["view_client", "view_apikey", "view_user"]
    looker.user_permissions.set(Permission.objects.filter(codename__in=names))
    browser = Browser()
    browser.force_login(looker)
    page = browser.get(url(Client, "change", world.client.pk)).content.decode()
    assert "marigold GmbH" in page
    assert "/step/" not in page
    for method in (browser.get, browser.post):
        assert method(step(world.client, "suspend")).status_code == 404
    chosen = {"action": "revoke", "_selected_action": [world.key.pk]}
    browser.post(url(type(world.key), "changelist"), chosen)
    world.key.refresh_from_db()
    assert world.key.revoked_at is None
    person = browser.get(url(User, "change", world.people[Role.OWNER].pk)).content.decode()
    assert "Log in as this person" not in person


# --- What they see ---------------------------------------------------------------------------


@of_each(ADMINS)
def test_pages_open_without_secrets_and_without_inline_code(
    world: Everything, desk: Browser, pair: Pair
) -> None:
    for path in pages(pair):
        response = desk.get(path)
        assert response.status_code == 200, path
        text = response.content.decode()
        assert not INLINE.search(text), path
        assert not [secret for secret in secrets(world) if secret in text], path
        assert "unsafe" not in response["Content-Security-Policy"]


@of_each(LOOKED_AT)
def test_rows_can_neither_be_added_nor_edited(world: Everything, desk: Browser, pair: Pair) -> None:
    model = pair[0]
    assert desk.get(url(model, "add")).status_code == 403
    row = model._default_manager.first()  # type: ignore[attr-defined]
    if row is not None:
        assert desk.post(url(model, "change", row.pk), {"name": "Hers"}).status_code == 403
    if model is not CspReport and row is not None:
        assert desk.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert model._default_manager.filter(pk=row.pk).exists()  # type: ignore[attr-defined]


def test_reports_of_browsers_can_be_deleted(world: Everything, desk: Browser) -> None:
    report = CspReport.objects.get()
    assert desk.get(url(CspReport, "delete", report.pk)).status_code == 200
    desk.post(url(CspReport, "delete", report.pk), {"post": "yes"})
    assert not CspReport.objects.exists()


def test_companies_are_found_by_name_id_and_members_address(
    world: Everything, desk: Browser
) -> None:
    full("tromso")
    for query in ("MARIGOLD", world.client.public_id, "editor@marigold.example"):
        page = desk.get(url(Client, "changelist"), {"q": query})
        assert [client.name for client in page.context["cl"].result_list] == ["marigold GmbH"]


def test_ten_thousand_members_do_not_make_a_page_of_ten_thousand(
    world: Everything, desk: Browser
) -> None:
    people = User.objects.bulk_create(
        User(email=f"person{number}@marigold.example") for number in range(300)
    )
    Membership.objects.bulk_create(
        Membership(client=world.client, user=user, public_id=f"mem_{user.email}") for user in people
    )
    page = desk.get(url(Client, "change", world.client.pk)).content.decode()
    assert page.count("field-role") < 30


@of_each(ADMINS)
def test_lists_make_the_same_number_of_queries_for_many_rows(
    world: Everything, desk: Browser, pair: Pair
) -> None:
    path = url(pair[0], "changelist")
    desk.get(path)
    few = queries(desk, path)
    for number in range(6):
        full(f"other{number}")
    assert queries(desk, path) == few <= 12


def test_the_page_of_a_company_makes_few_queries(world: Everything, desk: Browser) -> None:
    path = url(Client, "change", world.client.pk)
    desk.get(path)
    few = queries(desk, path)
    for number in range(12):
        user = User.objects.create_user(f"more{number}@marigold.example")
        Membership.objects.create(client=world.client, user=user)
    assert queries(desk, path) == few <= 16


# --- What they may do ------------------------------------------------------------------------


def test_a_step_asks_for_a_reason_first(world: Everything, desk: Browser) -> None:
    for name in ("suspend", "resume", "grace", "gift", "reindex", "mails"):
        page = desk.get(step(world.client, name))
        assert page.status_code == 200
        assert not INLINE.search(page.content.decode())
        assert desk.post(step(world.client, name), {"reason": " "}).status_code == 422
    assert not AuditEvent.objects.filter(actor_name__startswith="support").exists()
    assert desk.get(step(world.client, "explode")).status_code == 404


def test_suspending_and_resuming_are_noted_for_the_owners(world: Everything, desk: Browser) -> None:
    desk.post(step(world.client, "suspend"), {"reason": "Sends spam"})
    assert not Client.objects.get(pk=world.client.pk).is_active
    again = desk.post(step(world.client, "suspend"), {"reason": "Again"}, follow=True)
    assert "is suspended already" in again.content.decode()
    desk.post(step(world.client, "resume"), {"reason": "Sorted out"})
    assert Client.objects.get(pk=world.client.pk).is_active
    events = AuditEvent.objects.filter(client=world.client, actor_name__startswith="support")
    assert [(event.action, event.actor_name) for event in events.order_by("pk")] == [
        (Action.CLIENT_SUSPENDED, "support (helper@staff.example)"),
        (Action.CLIENT_RESUMED, "support (helper@staff.example)"),
    ]


@pytest.mark.parametrize("days", ["0", "366", "many", ""])
def test_a_bad_number_of_days_changes_nothing(world: Everything, desk: Browser, days: str) -> None:
    sent = {"reason": "Our mistake", "days": days}
    assert desk.post(step(world.client, "grace"), sent).status_code == 422
    assert BillingState.objects.get().grace_until is None


def overdue(client: Client) -> None:
    late = {"status": "past_due", "past_due_since": timezone.now()}
    BillingState.objects.filter(client=client).update(**late)


def test_grace_and_free_time_are_given_by_days(world: Everything, desk: Browser) -> None:
    overdue(world.client)
    for name in ("grace", "gift"):
        desk.post(step(world.client, name), {"reason": "Our mistake", "days": "5"})
    state = BillingState.objects.get()
    soon = timezone.now() + timedelta(days=4)
    assert state.grace_until is not None and state.grace_until > soon
    assert state.complimentary_until is not None and state.complimentary_until > soon


def test_waiting_mails_to_members_and_invited_people_go_out_now(
    world: Everything, desk: Browser
) -> None:
    other = full("tromso")
    desk.post(step(world.client, "mails"), {"reason": "The mail server was down"})
    assert waits_for_nothing("marigold") and not waits_for_nothing("tromso")
    run(desk, OutboxEmail, "send_again", OutboxEmail.objects.get(dedupe_key="tromso-mail"))
    assert waits_for_nothing("tromso")
    assert AuditEvent.objects.filter(client=world.client, action=Action.MAILS_SENT_AGAIN).exists()
    assert not AuditEvent.objects.filter(client=other.client, action="client.mails").exists()


def waits_for_nothing(mark: str) -> bool:
    now = timezone.now()
    return OutboxEmail.objects.waiting(now).filter(dedupe_key=f"{mark}-mail", attempts=0).exists()


def test_a_mail_that_was_given_up_is_sent_once_more(world: Everything, desk: Browser) -> None:
    mail = OutboxEmail.objects.get(dedupe_key="marigold-mail")
    OutboxEmail.objects.filter(pk=mail.pk).update(state="failed", attempts=8)
    assert "1 queued. 0 were sent" in run(desk, OutboxEmail, "send_again", mail)
    assert waits_for_nothing("marigold")


def test_staff_mail_a_new_link_to_somebody_invited(world: Everything, desk: Browser) -> None:
    old = world.invitation.digest
    assert "1 mailed" in run(desk, Invitation, "send_again", world.invitation)
    world.invitation.refresh_from_db()
    assert world.invitation.digest != old
    assert OutboxEmail.objects.filter(
        recipient=world.invitation.email, text__contains="/accounts/invitation/"
    ).exists()
    event = AuditEvent.objects.for_client(world.client).latest("pk")
    assert (event.action, event.actor_name.startswith("support (")) == ("invitation.resent", True)


def test_a_mail_that_was_given_up_long_ago_has_no_text_to_send(
    world: Everything, desk: Browser
) -> None:
    mail = OutboxEmail.objects.get(dedupe_key="marigold-mail")
    OutboxEmail.objects.filter(pk=mail.pk).update(state="failed", text="")
    assert "0 queued. 1 were sent already, or given up" in run(
        desk, OutboxEmail, "send_again", mail
    )
    mail.refresh_from_db()
    assert mail.state == "failed"


def test_a_key_is_revoked_once_and_noted(world: Everything, desk: Browser) -> None:
    for _ in range(2):
        run(desk, type(world.key), "revoke", world.key)
    world.key.refresh_from_db()
    assert world.key.revoked_at is not None
    events = AuditEvent.objects.filter(client=world.client, action=Action.KEY_REVOKED)
    assert [event.actor_name for event in events] == ["support (helper@staff.example)"]


def test_a_failed_source_is_queued_again_while_its_file_is_there(
    world: Everything, desk: Browser
) -> None:
    source = world.failed
    assert "Its file is gone" in run(desk, type(source), "queue_again", source)
    source.file = default_storage.save(f"{world.client.public_id}/again", ContentFile(b"text"))
    source.save(update_fields=["file"])
    run(desk, type(source), "queue_again", source)
    source.refresh_from_db()
    assert source.state == "queued"
    event = AuditEvent.objects.get(client=world.client, action=Action.SOURCE_QUEUED_AGAIN)
    assert event.target == "marigold scan"


def test_a_person_is_deactivated_and_their_owners_see_it(world: Everything, desk: Browser) -> None:
    person = world.people[Role.EDITOR]
    theirs = Browser()
    theirs.force_login(person)
    assert theirs.get("/app/knowledge/").status_code == 200
    sent = {"name": "Eddie", **inline(0), "_save": "Save"}  # without is_active
    assert desk.post(url(User, "change", person.pk), sent).status_code == 302
    person.refresh_from_db()
    assert (person.name, person.is_active) == ("Eddie", False)
    assert theirs.get("/app/knowledge/")["Location"].startswith("/accounts/login/")
    event = AuditEvent.objects.get(client=world.client, action=Action.PERSON_CHANGED)
    assert event.details == {"changed": "name, is_active"}


def test_whatever_staff_do_the_owners_see_from_where(world: Everything, desk: Browser) -> None:
    overdue(world.client)
    for name in ("suspend", "resume", "grace", "gift", "reindex", "mails"):
        desk.post(step(world.client, name), {"reason": "Asked by mail", "days": "5"})
    run(desk, Invitation, "send_again", world.invitation)
    run(desk, type(world.key), "revoke", world.key)
    source = world.failed
    source.file = default_storage.save(f"{world.client.public_id}/again", ContentFile(b"text"))
    source.save(update_fields=["file"])
    run(desk, type(source), "queue_again", source)
    person = url(User, "change", world.people[Role.EDITOR].pk)
    desk.post(person, {"name": "Eddie", **inline(0), "_save": "Save"})
    events = AuditEvent.objects.filter(client=world.client, actor_name__startswith="support")
    assert events.count() == 10
    assert set(events.values_list("address", flat=True)) == {"127.0.0.1"}


def test_nobody_but_a_superuser_makes_staff(world: Everything) -> None:
    helper = User.objects.create_user("second@staff.example", PASSWORD, is_staff=True)
    names = ["view_user", "change_user"]
    helper.user_permissions.set(Permission.objects.filter(codename__in=names))
    boss = User.objects.create_superuser("boss@staff.example", PASSWORD)
    browser = Browser()
    browser.force_login(helper)
    sent = {"is_active": "on", "is_staff": "on", "is_superuser": "on", **inline(0)}
    browser.post(url(User, "change", helper.pk), sent)
    helper.refresh_from_db()
    assert not helper.is_superuser
    assert browser.post(url(User, "change", boss.pk), inline(0)).status_code == 403
    boss.refresh_from_db()
    assert boss.is_active


def inline(rows: int) -> dict[str, str]:
    return {"memberships-TOTAL_FORMS": str(rows), "memberships-INITIAL_FORMS": str(rows)}


# --- With the real worker --------------------------------------------------------------------


def test_the_index_of_a_company_is_made_anew_from_the_database(house: House, shop: Tenant) -> None:
    shop.learn("hours.md", "# Opening hours\n\nThe shop opens at nine.")
    wait_until(lambda: is_whole(shop.base), 30)
    vectors().drop(shop.base.collection)
    assert not is_whole(shop.base)
    browser = Browser()
    browser.force_login(User.objects.create_superuser(f"{shop.bot.public_id}@staff.example"))
    said = browser.post(step(shop.client, "reindex"), {"reason": "It finds nothing"}, follow=True)
    assert "The index of 1 knowledge bases is rebuilt." in said.content.decode()
    wait_until(lambda: is_whole(shop.base), 30, "a whole index")


def is_whole(base: KnowledgeBase) -> bool:
    with suppress(VectorsDown):  # the worker drops it while we ask
        return index.check(base).ok
    return False
