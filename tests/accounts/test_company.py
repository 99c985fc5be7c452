"""Set a company up, and change what it says about itself."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client as Browser

from accounts import companies
from accounts.models import AuditEvent, Client, User
from accounts.roles import Role
from chat.models import Bot
from chatbot_saas.lib.errors import Conflict
from knowledge.models import KnowledgeBase
from tests.accounts.conftest import at_once, signed_in
from tests.everything import Everything
from tests.house import House

START = "/app/start/"
PAGE = "/app/settings/company/"
SAVE = "/app/settings/company/save/"
NAMES = ["شركة النور", "דוד ובניו", "🍕 Pizza 🍕", "株式会社", "O'Neill & Söhne <GmbH>"]


@pytest.fixture
def newcomer(db: None) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_user("new@acme.example"))
    return browser


def test_a_newcomer_sets_up_a_company_with_all_it_needs(newcomer: Browser) -> None:
    assert newcomer.get("/app/")["Location"] == START
    form = {"name": "Bakery", "website": "www.bakery.example/shop"}
    assert newcomer.post(START, form)["Location"] == "/app/"
    client = Client.objects.get(name="Bakery")
    assert client.website == "https://www.bakery.example/shop"
    assert client.memberships.get().role == Role.OWNER
    assert KnowledgeBase.objects.for_client(client).count() == 1
    bot = Bot.objects.for_client(client).get()
    assert (bot.name, bot.allowed_domains) == ("Bakery", ["bakery.example", "www.bakery.example"])
    assert AuditEvent.objects.for_client(client).get().action == "client.created"
    assert newcomer.get("/app/").status_code == 200


def test_a_second_press_makes_no_second_company(newcomer: Browser) -> None:
    for _ in range(2):
        newcomer.post(f"{START}?another=1", {"name": "Bakery"})
    assert Client.objects.filter(name="Bakery").count() == 1


def test_who_has_a_company_is_not_asked_again(owner: Browser) -> None:
    assert owner.get(START)["Location"] == "/app/"
    assert owner.get(f"{START}?another=1").status_code == 200


def test_another_company_is_the_one_worked_in_from_then_on(owner: Browser) -> None:
    owner.post(f"{START}?another=1", {"name": "Second"})
    assert owner.get("/app/").context["request"].client.name == "Second"


def test_nobody_owns_very_many(owner: Browser) -> None:
    for number in range(companies.MOST_COMPANIES - 1):
        assert owner.post(f"{START}?another=1", {"name": f"C{number}"}).status_code == 302
    assert owner.post(f"{START}?another=1", {"name": "One more"}).status_code == 409
    assert not Client.objects.filter(name="One more").exists()
    assert not KnowledgeBase.objects.filter(client__name="One more").exists()


def test_two_presses_at_once_make_one_company(house: House) -> None:
    user = User.objects.create_user("impatient@acme.example")
    made: list[Client] = []

    def press() -> None:
        made.append(companies.create(user, "Once", ""))
        connection.close()

    at_once([press] * 4)
    assert len(made) == 4
    assert Client.objects.filter(name="Once").count() == 1


def test_presses_at_once_do_not_pass_the_limit(house: House) -> None:
    user = User.objects.create_user("hasty@acme.example")
    for number in range(companies.MOST_COMPANIES - 1):
        companies.create(user, f"H{number}", "")
    done: list[bool] = []

    def press() -> None:
        try:
            companies.create(user, f"Last {uuid4()}", "")
            done.append(True)
        except Conflict:
            done.append(False)
        finally:
            connection.close()

    at_once([press] * 4)
    assert sorted(done) == [False, False, False, True]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_script_are_welcome(owner: Browser, acme: Everything, name: str) -> None:
    assert owner.post(SAVE, {"name": f"  {name} ", "website": ""}).status_code == 302
    acme.client.refresh_from_db()
    assert acme.client.name == name
    page = owner.get(PAGE)
    assert page.status_code == 200
    assert "<GmbH>" not in page.content.decode()


@pytest.mark.parametrize(
    "form",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 121},
        {"name": "Acme\r\nBcc: all@evil.example"},
        {"name": "Acme\u202egnihsihp"},
        {"name": "Acme\x00"},
        {"name": "Acme", "website": "javascript:alert(1)"},
        {"name": "Acme", "website": "not an address"},
    ],
)
def test_bad_input_changes_nothing(owner: Browser, acme: Everything, form: dict) -> None:
    response = owner.post(SAVE, form)
    assert response.status_code == 422
    assert response.context["form"].errors
    acme.client.refresh_from_db()
    assert acme.client.name == "acme GmbH"


def test_a_change_is_noted_and_none_is_not(owner: Browser, acme: Everything) -> None:
    owner.post(SAVE, {"name": "New name", "website": acme.client.website})
    event = AuditEvent.objects.for_client(acme.client).latest("pk")
    assert (event.action, event.details) == ("client.changed", {"name": "acme GmbH → New name"})
    owner.post(SAVE, {"name": "New name", "website": acme.client.website})
    assert AuditEvent.objects.for_client(acme.client).latest("pk") == event


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("admin", 302)])
def test_admins_may_change_it(acme: Everything, role: str, status: int) -> None:
    browser = signed_in(acme, Role(role))
    assert browser.post(SAVE, {"name": "X", "website": ""}).status_code == status
    assert browser.get(PAGE).status_code == 200
    assert browser.get(SAVE).status_code == 405
