"""Every address of the product, asked by those who must not have what lies there.

The walk reads the URL map itself. A new address fails it until it is known whom it is for: by a
line in tests/addresses.py, or in OPEN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from accounts.roles import TABLE, Act, Role
from chatbot_saas.steps import STEPS
from tests import addresses
from tests.addresses import ACTS
from tests.everything import TOKEN, Everything
from tests.site.test_admin import full

# Open to everybody, and why that does no harm.
OPEN = {
    "widget_js": "the loader, the same for all",
    "widget_session": "checks the Origin against the bot's list",
    "chat": "wants a visitor's token or a key",
    "hosted_chat": "shows what the bot's own widget shows",
    "hosted_preview": "the same",
    "resend_api_key": "answers everybody alike, and mails only owners",
    "stripe_webhook": "wants Stripe's signature, and tells nothing",
    "csp_report": "counts what browsers report",
    "landing": "public",
    "pricing": "public",
    "demo": "public",
    "demo_article": "public",
    "invitation": "says no more than the mail with the link did",
    "healthz": "says ok",
    "readyz": "names states, no tenants",
}

# The rows that addresses name.
ROWS: dict[str, Callable[[Everything], dict[str, str]]] = {
    "document": lambda one: {"public_id": one.source.public_id},
    "direct_upload": lambda one: {"public_id": one.upload.public_id},
    "finish_upload": lambda one: {"public_id": one.upload.public_id},
    "document_sync_api": lambda one: {"public_id": one.source.public_id},
    "source": lambda one: {"public_id": one.source.public_id},
    "replace_source": lambda one: {"public_id": one.source.public_id},
    "retry_source": lambda one: {"public_id": one.failed.public_id},
    "delete_source": lambda one: {"public_id": one.source.public_id},
    "change_model": lambda one: {"public_id": one.base.public_id},
    "keep_model": lambda one: {"public_id": one.reembedding.public_id},
    "faq": lambda one: {"public_id": one.faq.public_id},
    "save_faq": lambda one: {"public_id": one.faq.public_id},
    "retry_faq": lambda one: {"public_id": one.faq.public_id},
    "delete_faq": lambda one: {"public_id": one.faq.public_id},
    "faq_api": lambda one: {"public_id": one.faq.public_id},
    "website": lambda one: {"public_id": one.website.public_id},
    "take_website": lambda one: {"public_id": one.website.public_id},
    "stop_website": lambda one: {"public_id": one.website.public_id},
    "sync_website": lambda one: {"public_id": one.website.public_id},
    "delete_website": lambda one: {"public_id": one.website.public_id},
    "website_api": lambda one: {"public_id": one.website.public_id},
    "website_sync_api": lambda one: {"public_id": one.website.public_id},
    "website_stop_api": lambda one: {"public_id": one.website.public_id},
    "conversation": lambda one: {"public_id": one.conversation.public_id},
    "delete_conversation": lambda one: {"public_id": one.conversation.public_id},
    "member": lambda one: {"public_id": one.membership(Role.EDITOR).public_id},
    "remove_member": lambda one: {"public_id": one.membership(Role.EDITOR).public_id},
    "hand_over": lambda one: {"public_id": one.membership(Role.EDITOR).public_id},
    "send_invitation_again": lambda one: {"public_id": one.invitation.public_id},
    "revoke_invitation": lambda one: {"public_id": one.invitation.public_id},
    "rotate_key": lambda one: {"public_id": one.key.public_id},
    "revoke_key": lambda one: {"public_id": one.key.public_id},
    "join": lambda one: {"public_id": one.invitation.public_id},
    "key_link": lambda one: {"token": f"{one.mark}-link-{TOKEN}"},
    "export": lambda one: {"public_id": one.export.public_id},
}

DENIED = {401, 403, 404}
BROKEN = {500, 501}


@dataclass(frozen=True)
class Address:
    """`source` is the part of the route under which other people's addresses are included."""

    name: str
    source: str
    view: Any
    kwargs: tuple[str, ...]

    @property
    def act(self) -> Act | None:
        return getattr(self.view, "act", None)

    @property
    def is_for_programs(self) -> bool:
        return hasattr(self.view, "cls") and self.name not in OPEN

    @property
    def is_for_persons(self) -> bool:
        return bool(getattr(self.view, "for_persons", False))

    def url(self, world: Everything) -> str:
        rows = ROWS[self.name](world) if self.kwargs else {}
        return reverse(self.name, kwargs=rows)


def _addresses(
    patterns: list[URLPattern | URLResolver], before: Address | None = None
) -> Iterator[Address]:
    """Of these patterns, which stand in an include whose route and arguments are `before`."""
    for pattern in patterns:
        route = (before.name if before else "") + str(pattern.pattern)
        kwargs = (*(before.kwargs if before else ()), *pattern.pattern.regex.groupindex)
        source = before.source if before else ""
        if isinstance(pattern, URLResolver):
            include = Address(route, source or route, None, kwargs)
            yield from _addresses(pattern.url_patterns, include)
        else:
            yield Address(pattern.name or route, source, pattern.callback, kwargs)


ALL = list(_addresses(get_resolver().url_patterns))
ADDRESSES = [one for one in ALL if not one.source]
MEMBERS = [one for one in ADDRESSES if one.act]
PROGRAMS = [one for one in ADDRESSES if one.is_for_programs]
PERSONS = [one for one in ADDRESSES if one.is_for_persons]
CLOSED = [*MEMBERS, *PROGRAMS, *PERSONS]
OF_ROWS = [one for one in CLOSED if one.kwargs]
NAMELESS = [one for one in CLOSED if not one.kwargs]

named = pytest.mark.parametrize


def walk(addresses: list[Address]) -> pytest.MarkDecorator:
    return named("address", addresses, ids=lambda one: one.name)


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("zanzibar")


@pytest.fixture
def rival(db: None) -> Everything:
    return Everything.make("tromso")


def ask(
    address: Address, world: Everything, user: User | None, method: str, **headers: str
) -> HttpResponse:
    """One request, and whatever it changed is taken back."""
    browser = Browser(raise_request_exception=True)
    if user is not None:
        browser.force_login(user)
    with of_the_test(transaction.atomic()):
        call = getattr(browser, method.lower())
        response: HttpResponse = call(address.url(world), headers=headers)
        text(response)  # pages are written while the rows are there
        transaction.set_rollback(True)
    return response


def of_the_test(block: Any) -> Any:
    """A transaction that is none of the product's, as those around each test."""
    block._from_testcase = True
    return block


def text(response: HttpResponse) -> str:
    if getattr(response, "streaming", False):
        chunks = getattr(response, "streaming_content", [])
        return b"".join(chunks).decode(errors="replace") if isinstance(chunks, Iterator) else ""
    return response.content.decode(errors="replace")


@walk(ADDRESSES)
def test_each_address_is_for_those_whom_the_table_names(address: Address) -> None:
    name = address.name
    known = [name in table for table in (ACTS, addresses.PROGRAMS, addresses.PERSONS, OPEN)]
    assert sum(known) == 1, f"say whom {name} is for (tests/addresses.py)"
    assert address.act == ACTS.get(name)
    assert address.is_for_programs == (name in addresses.PROGRAMS)
    assert address.is_for_persons == (name in addresses.PERSONS)
    if address.kwargs and name not in OPEN:
        assert name in ROWS, f"say which row {name} names (tests/test_tenancy.py)"


def test_each_address_of_other_peoples_code_is_known() -> None:
    found: dict[str, set[str]] = {}
    for one in ALL:
        if one.source:
            found.setdefault(one.source, set()).add(one.name)
    assert found == addresses.FOREIGN, "say whom it is for (tests/addresses.py)"


def test_nothing_is_listed_that_does_not_exist() -> None:
    names = {one.name for one in ADDRESSES}
    for listed in (OPEN, ROWS, ACTS, addresses.PROGRAMS, addresses.PERSONS):
        assert set(listed) <= names


@named("method", ["GET", "POST", "DELETE"])
@walk(CLOSED)
def test_nobody_gets_in(world: Everything, address: Address, method: str) -> None:
    response = ask(address, world, None, method)
    if response.status_code == 302:
        assert response["Location"].startswith("/accounts/login/")
    else:
        assert response.status_code in {401, 405}
    assert "zanzibar" not in text(response)


@named("method", ["GET", "POST", "DELETE"])
@walk(OF_ROWS)
def test_rows_of_another_client_do_not_exist(
    world: Everything, rival: Everything, address: Address, method: str
) -> None:
    response = ask(address, world, rival.people[Role.OWNER], method)
    assert response.status_code in {404, 405}
    assert "zanzibar" not in text(response)


@named("method", ["GET", "POST", "DELETE"])
@walk([one for one in OF_ROWS if one.is_for_programs])
def test_rows_of_another_client_do_not_exist_for_a_key(
    world: Everything, rival: Everything, address: Address, method: str
) -> None:
    key = f"Bearer {rival.key_text}"
    response = ask(address, world, None, method, Authorization=key)
    assert response.status_code in {404, 405}


@named("method", ["GET", "POST"])
@walk(NAMELESS)
def test_no_page_shows_anything_of_another_client(
    world: Everything, rival: Everything, address: Address, method: str
) -> None:
    response = ask(address, rival, rival.people[Role.OWNER], method)
    assert response.status_code not in BROKEN
    assert "zanzibar" not in text(response)


@named("role", list(Role))
@named("method", ["GET", "POST"])
@walk(MEMBERS)
def test_each_role_may_do_what_the_table_says(
    world: Everything, address: Address, method: str, role: Role
) -> None:
    response = ask(address, world, world.people[role], method)
    status = response.status_code
    assert status not in BROKEN
    if status == 405:
        return
    if ACTS[address.name] in TABLE[role]:
        assert status not in DENIED
    else:
        assert status == 403


@walk(PROGRAMS)
def test_a_viewer_may_read_but_not_write_by_the_api(world: Everything, address: Address) -> None:
    viewer = world.people[Role.VIEWER]
    assert ask(address, world, viewer, "GET").status_code not in DENIED
    changing = {
        "documents": "POST",
        "document": "DELETE",
        "document_sync_api": "POST",
        "website_list": "POST",
        "website_api": "DELETE",
        "website_sync_api": "POST",
        "website_stop_api": "POST",
    }
    if method := changing.get(address.name):
        assert ask(address, world, viewer, method).status_code == 403


@named("role", list(Role))
def test_members_never_reach_the_staffs_pages(world: Everything, role: Role) -> None:
    browser = Browser()
    browser.force_login(world.people[role])
    for pattern in _staff_pages():
        response = browser.get(reverse(f"admin:{pattern}"))
        assert response.status_code in {302, 403, 404, 405}, pattern
        assert "zanzibar" not in response.content.decode()
    other = world.people[Role.VIEWER if role == Role.OWNER else Role.OWNER]
    assert browser.post(reverse("hijack:acquire"), {"user_pk": other.pk}).status_code in {302, 403}
    assert browser.get("/app/").context["user"].pk == world.people[role].pk


def test_nobody_reaches_the_staffs_pages(world: Everything) -> None:
    for pattern in _staff_pages():
        response = Browser().get(reverse(f"admin:{pattern}"))
        assert response.status_code in {302, 403, 404, 405}, pattern


@named("role", [*Role, None])
def test_no_row_of_the_staffs_pages_is_served_to_others(db: None, role: Role | None) -> None:
    world = full("zanzibar")
    browser, paths = Browser(), _staff_rows(world)
    if role is not None:
        browser.force_login(world.people[role])
    for path in paths:
        for response in (browser.get(path), browser.post(path, {"post": "yes", "reason": "Mine"})):
            assert response.status_code in {302, 403, 404, 405}, path
            assert "zanzibar" not in response.content.decode(), path
            if response.status_code == 302:
                assert response["Location"].startswith("/admin/login/"), path
    staff = Browser()
    staff.force_login(User.objects.create_superuser("helper@staff.example", "a long password"))
    assert {staff.get(path).status_code for path in paths} <= {200, 302, 403}
    assert "zanzibar" in staff.get(paths[0]).content.decode()


def _staff_rows(world: Everything) -> list[str]:
    """The admin's pages that stand for one row, a company's own first."""
    found = [reverse("admin:accounts_client_change", args=[world.client.pk])]
    for name in STEPS:
        found.append(reverse("admin:accounts_client_step", args=[world.client.pk, name]))
    for model in admin.site._registry:
        row = model._default_manager.first()
        assert row is not None, f"{model} has no row to ask for"
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages = [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "delete")]
        found += [*pages, reverse(f"{name}_history", args=[row.pk]), f"{pages[0][:-7]}"]
    return found


@walk([one for one in ALL if one.source == "accounts/" and one.name in addresses.OF_ACCOUNTS])
def test_nobody_sees_the_pages_of_an_account(db: None, address: Address) -> None:
    url = reverse(address.name, kwargs=dict.fromkeys(address.kwargs, 1))
    for response in (Browser().get(url), Browser().post(url)):
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")


def _staff_pages() -> list[str]:
    """Names of the admin's pages that stand for no single row."""
    admin = next(one for one in get_resolver().url_patterns if str(one.pattern) == "admin/")
    assert isinstance(admin, URLResolver)
    found: list[str] = []
    for pattern in admin.url_patterns:
        inner = pattern.url_patterns if isinstance(pattern, URLResolver) else [pattern]
        leaves = [one for one in inner if isinstance(one, URLPattern)]
        found += [str(one.name) for one in leaves if one.name and not one.pattern.regex.groups]
    return found


def test_links_of_mails_are_worth_nothing_to_others(world: Everything, rival: Everything) -> None:
    browser = Browser()
    browser.force_login(rival.people[Role.OWNER])
    token = f"zanzibar-invitation-{TOKEN}"
    status = browser.post(reverse("invitation", kwargs={"token": token})).status_code
    assert status in {403, 404}
    assert not world.client.members.filter(pk=rival.people[Role.OWNER].pk).exists()


def test_a_person_of_no_client_sees_nothing(world: Everything) -> None:
    loner = User.objects.create_user("loner@nowhere.example", "a long password")
    for address in MEMBERS:
        response = ask(address, world, loner, "GET")
        assert response.status_code in {302, 404, 405}, address.name
        assert "zanzibar" not in text(response)
