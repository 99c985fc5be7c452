"""Members: who may change whom, and that somebody always owns the company."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection
from django.test import Client as Browser

from accounts import members
from accounts.models import AuditEvent, Membership, User
from accounts.roles import Role
from chatbot_saas.lib.errors import CallerError, Conflict, Forbidden, NotFound
from tests.accounts.conftest import at_once, send, signed_in
from tests.everything import Everything
from tests.house import House

PAGE = "/app/settings/members/"
OTHERS = [Role.ADMIN, Role.EDITOR, Role.VIEWER]


def place(world: Everything, role: Role, step: str = "") -> str:
    return f"{PAGE}{world.membership(role).public_id}/{step}"


def second_owner(world: Everything) -> Membership:
    user = User.objects.create_user("second@acme.example")
    return Membership.objects.create(client=world.client, user=user, role=Role.OWNER)


def test_everybody_sees_who_is_here(acme: Everything) -> None:
    for role in Role:
        page = signed_in(acme, role).get(PAGE).content.decode()
        assert all(user.email in page for user in acme.people.values())


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_editors_and_viewers_change_nobody(acme: Everything, role: Role) -> None:
    browser = signed_in(acme, role)
    assert browser.get(place(acme, Role.VIEWER)).status_code == 403
    assert browser.post(place(acme, Role.VIEWER), {"role": "admin"}).status_code == 403
    assert browser.post(place(acme, Role.VIEWER, "remove/")).status_code == 403
    assert browser.post(f"{PAGE}invite/", {"email": "a@b.example"}).status_code == 403
    assert acme.client.memberships.count() == 4


def test_an_admin_changes_and_removes_those_who_do_not_own(acme: Everything) -> None:
    browser = signed_in(acme, Role.ADMIN)
    editor = acme.membership(Role.EDITOR)
    assert browser.post(place(acme, Role.EDITOR), {"role": "viewer"}).status_code == 302
    editor.refresh_from_db()
    assert editor.role == Role.VIEWER
    assert browser.post(f"{PAGE}{editor.public_id}/remove/").status_code == 302
    assert not Membership.objects.filter(pk=editor.pk).exists()


def test_an_admin_touches_no_owner_and_makes_none(acme: Everything) -> None:
    browser = signed_in(acme, Role.ADMIN)
    assert browser.post(place(acme, Role.OWNER), {"role": "viewer"}).status_code == 403
    assert browser.post(place(acme, Role.OWNER, "remove/")).status_code == 403
    assert browser.post(place(acme, Role.EDITOR), {"role": "owner"}).status_code == 422
    assert browser.post(place(acme, Role.ADMIN), {"role": "owner"}).status_code == 422
    assert browser.post(place(acme, Role.EDITOR, "hand-over/")).status_code == 403
    with pytest.raises(Forbidden):
        members.change_role(acme.membership(Role.ADMIN), acme.membership(Role.EDITOR), Role.OWNER)
    assert Membership.objects.for_client(acme.client).owners().count() == 1


def test_the_last_owner_stays(owner: Browser, acme: Everything) -> None:
    assert owner.post(place(acme, Role.OWNER), {"role": "admin"}).status_code == 409
    assert owner.post(f"{PAGE}leave/").status_code == 409
    assert owner.post(place(acme, Role.OWNER, "remove/")).status_code == 409
    assert acme.membership(Role.OWNER).is_owner


def test_an_owner_who_cannot_log_in_does_not_count(owner: Browser, acme: Everything) -> None:
    other = second_owner(acme)
    User.objects.filter(pk=other.user_id).update(is_active=False)
    assert owner.post(f"{PAGE}leave/").status_code == 409
    User.objects.filter(pk=other.user_id).update(is_active=True)
    assert owner.post(f"{PAGE}leave/").status_code == 302


def test_ownership_is_handed_over_in_one_step(owner: Browser, acme: Everything) -> None:
    assert owner.post(place(acme, Role.EDITOR, "hand-over/")).status_code == 302
    assert acme.membership(Role.EDITOR).role == Role.OWNER
    assert acme.membership(Role.OWNER).role == Role.ADMIN
    assert owner.get("/app/settings/audit/").status_code == 403
    event = AuditEvent.objects.for_client(acme.client).latest("pk")
    assert (event.action, event.target) == ("member.handover", acme.people[Role.EDITOR].email)


def test_two_owners_who_leave_at_once_leave_one(house: House) -> None:
    world = Everything.make("leavers")
    user = User.objects.create_user("co@leavers.example")
    co_owner = Membership.objects.create(client=world.client, user=user, role=Role.OWNER)
    gone: list[bool] = []

    def go(member: Membership) -> None:
        try:
            members.leave(member)
            gone.append(True)
        except members.LastOwner:
            gone.append(False)
        finally:
            connection.close()

    both = [world.membership(Role.OWNER), co_owner]
    at_once([partial(go, member) for member in both])
    assert sorted(gone) == [False, True]
    assert Membership.objects.for_client(world.client).owners().count() == 1


def test_a_removed_member_is_out_with_the_next_click(owner: Browser, acme: Everything) -> None:
    editor = signed_in(acme, Role.EDITOR)
    assert editor.get("/app/").status_code == 200
    owner.post(place(acme, Role.EDITOR, "remove/"))
    assert editor.get("/app/")["Location"] == "/app/start/"
    assert editor.get(f"/app/knowledge/{acme.source.public_id}/").status_code in {302, 404}
    form = {"client": acme.client.public_id, "name": "Mine now", "website": ""}
    assert send(editor, "/app/settings/company/save/", form) == 404
    header = {"X-Client": acme.client.public_id}
    assert editor.post("/api/search", {}, headers=header).status_code == 404


def test_a_demoted_owner_loses_the_rights_at_once(owner: Browser, acme: Everything) -> None:
    other = second_owner(acme)
    second = Browser()
    second.force_login(other.user)
    assert second.get("/app/settings/audit/").status_code == 200
    owner.post(f"{PAGE}{other.public_id}/", {"role": "viewer"})
    assert second.get("/app/settings/audit/").status_code == 403
    assert second.post(place(acme, Role.EDITOR, "remove/")).status_code == 403


def test_who_was_demoted_in_the_same_moment_decides_nothing_any_more(acme: Everything) -> None:
    """The right is read again under the lock, not taken from the request that is under way."""
    stale = acme.membership(Role.ADMIN)
    Membership.objects.filter(pk=stale.pk).update(role=Role.VIEWER)
    with pytest.raises(Forbidden):
        members.remove(stale, acme.membership(Role.EDITOR))
    Membership.objects.filter(pk=stale.pk).delete()
    with pytest.raises(NotFound):
        members.remove(stale, acme.membership(Role.EDITOR))


def test_members_of_others_do_not_exist(owner: Browser, rival: Everything) -> None:
    for step in ("", "remove/", "hand-over/"):
        assert owner.post(place(rival, Role.EDITOR, step), {"role": "viewer"}).status_code == 404
    assert rival.client.memberships.count() == 4


def test_members_of_two_clients_cannot_be_mixed(acme: Everything, rival: Everything) -> None:
    with pytest.raises(CallerError):
        members.remove(acme.membership(Role.OWNER), rival.membership(Role.EDITOR))


@pytest.mark.parametrize("role", ["", "king", "OWNER"])
def test_an_unknown_role_is_refused(owner: Browser, acme: Everything, role: str) -> None:
    assert owner.post(place(acme, Role.EDITOR), {"role": role}).status_code == 422
    assert acme.membership(Role.EDITOR).role == Role.EDITOR


def test_nobody_hands_over_to_themselves_or_removes_themselves(acme: Everything) -> None:
    me = acme.membership(Role.OWNER)
    for step in (members.hand_over, members.remove):
        with pytest.raises(Conflict):
            step(me, me)


def test_ten_thousand_members_are_a_page_and_a_search(
    owner: Browser, acme: Everything, django_assert_max_num_queries
) -> None:
    people = User.objects.bulk_create(
        User(email=f"p{number}@many.example", name=f"Person {number}") for number in range(10_000)
    )
    Membership.objects.bulk_create(Membership(client=acme.client, user=user) for user in people)
    owner.get(PAGE)
    with django_assert_max_num_queries(12):
        page = owner.get(PAGE, {"page": 3})
    assert len(page.context["page"].object_list) == 50
    assert page.context["page"].paginator.count == 10_004
    with django_assert_max_num_queries(12):
        found = owner.get(PAGE, {"q": "p9999@"})
    assert [one.user.email for one in found.context["page"]] == ["p9999@many.example"]


def test_odd_names_stay_inside_their_place(owner: Browser, acme: Everything) -> None:
    user = acme.people[Role.VIEWER]
    User.objects.filter(pk=user.pk).update(name="مدير <b>🎉</b>")
    page = owner.get(PAGE).content.decode()
    assert "<bdi>مدير &lt;b&gt;🎉&lt;/b&gt;</bdi>" in page


def test_wrong_methods_are_refused(owner: Browser, acme: Everything) -> None:
    for path in (place(acme, Role.EDITOR, "remove/"), f"{PAGE}leave/", f"{PAGE}invite/"):
        assert owner.get(path).status_code == 405
    assert owner.post(PAGE).status_code == 405
