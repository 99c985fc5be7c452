"""The audit log: who did what, for owners to read and for nobody to change."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client as Browser

from accounts import audit
from accounts.audit import Action
from accounts.models import AuditEvent
from accounts.roles import Role
from tests.accounts.conftest import signed_in
from tests.everything import Everything

PAGE = "/app/settings/audit/"


def test_an_owner_reads_what_happened(owner: Browser, acme: Everything) -> None:
    audit.record_by_system(acme.client, Action.MEMBER_INVITED, "new@acme.example", role="editor")
    page = owner.get(PAGE).content.decode()
    assert "new@acme.example" in page
    assert "role: <bdi>editor" in page


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR, Role.VIEWER])
def test_others_do_not(acme: Everything, role: Role) -> None:
    assert signed_in(acme, role).get(PAGE).status_code == 403
    assert signed_in(acme, role).get(f"{PAGE}csv/").status_code == 403


def test_it_is_filtered_by_what_and_who(owner: Browser, acme: Everything) -> None:
    audit.record_by_system(acme.client, Action.MEMBER_LEFT, "one", actor="bob@acme.example")
    audit.record_by_system(acme.client, Action.SOURCE_ADDED, "two", actor="bob@acme.example")
    audit.record_by_system(acme.client, Action.SOURCE_ADDED, "three", actor="eve@acme.example")
    found = owner.get(PAGE, {"about": "source", "who": "bob"}).context["page"].object_list
    assert [event.target for event in found] == ["two"]
    assert not owner.get(PAGE, {"about": "nonsense"}).context["page"].object_list


def test_events_of_people_who_left_stay_readable(owner: Browser, acme: Everything) -> None:
    viewer = acme.people[Role.VIEWER]
    AuditEvent.objects.create(
        client=acme.client, actor=viewer, actor_name=viewer.email, action=Action.SOURCE_ADDED
    )
    email = viewer.email
    viewer.delete()
    assert email in owner.get(PAGE).content.decode()


def test_names_cannot_become_markup_or_formulas(owner: Browser, acme: Everything) -> None:
    evil = '=HYPERLINK("http://evil.example")<script>'
    audit.record_by_system(acme.client, Action.SOURCE_ADDED, evil)
    assert "<script>" not in owner.get(PAGE).content.decode().replace("<script src", "")
    body = owner.get(f"{PAGE}csv/").getvalue().decode()
    rows = list(csv.reader(io.StringIO(body)))
    assert rows[0][0] == "when"
    assert rows[1][4] == f"'{evil}"


def test_nothing_changes_the_log(owner: Browser, acme: Everything) -> None:
    for method in ("post", "put", "delete"):
        assert getattr(owner, method)(PAGE).status_code == 405
        assert getattr(owner, method)(f"{PAGE}csv/").status_code == 405


def test_it_has_pages_and_the_number_of_queries_does_not_grow(
    owner: Browser, acme: Everything, django_assert_max_num_queries
) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(client=acme.client, actor_name="x", action="source.added", target=f"{number}")
        for number in range(200)
    )
    owner.get(PAGE)
    with django_assert_max_num_queries(12):
        page = owner.get(PAGE, {"page": 2})
    assert len(page.context["page"].object_list) == 50
    assert owner.get(PAGE, {"page": "x"}).status_code == 200
    assert owner.get(PAGE, {"page": 999}).status_code == 200
