"""One person in several companies, also in two tabs at once."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from accounts.models import Membership
from accounts.roles import Role
from tests.accounts.conftest import send
from tests.everything import Everything

SWITCH = "/app/switch/"
SAVE = "/app/settings/company/save/"


@pytest.fixture
def both(acme: Everything, rival: Everything) -> Browser:
    """The owner of acme, who is an editor at rival too."""
    person = acme.people[Role.OWNER]
    Membership.objects.create(client=rival.client, user=person, role=Role.EDITOR)
    browser = Browser()
    browser.force_login(person)
    return browser


def here(browser: Browser) -> str:
    return str(browser.get("/app/").context["request"].client.name)


def test_the_first_company_is_open_until_one_switches(
    both: Browser, acme: Everything, rival: Everything
) -> None:
    assert here(both) == acme.client.name
    assert both.post(SWITCH, {"to": rival.client.public_id})["Location"] == "/app/"
    assert here(both) == rival.client.name
    assert both.get("/app/settings/audit/").status_code == 403


def test_one_switches_only_to_ones_own(owner: Browser, acme: Everything, rival: Everything) -> None:
    for name in (rival.client.public_id, "cli_nothing", ""):
        assert owner.post(SWITCH, {"to": name}).status_code == 404
    assert here(owner) == acme.client.name
    assert owner.get(SWITCH).status_code == 405


def test_the_menu_offers_the_others(both: Browser, rival: Everything) -> None:
    page = both.get("/app/").content.decode()
    assert f"Switch to <bdi>{rival.client.name}</bdi>" in " ".join(page.split())


def test_a_form_changes_the_company_of_its_own_page(
    both: Browser, acme: Everything, rival: Everything
) -> None:
    """Opened in one tab, then switched in another, then saved in the first."""
    page = both.get("/app/settings/company/").content.decode()
    assert f'name="client" value="{acme.client.public_id}"' in page
    both.post(SWITCH, {"to": rival.client.public_id})
    form = {"client": acme.client.public_id, "name": "Acme, renamed", "website": ""}
    assert send(both, SAVE, form) == 302
    acme.client.refresh_from_db()
    rival.client.refresh_from_db()
    assert (acme.client.name, rival.client.name) == ("Acme, renamed", "rival GmbH")


def test_the_role_of_that_company_counts(both: Browser, rival: Everything) -> None:
    form = {"client": rival.client.public_id, "name": "Mine", "website": ""}
    assert send(both, SAVE, form) == 403


def test_a_form_of_a_company_that_is_not_ones_own_is_404(owner: Browser, rival: Everything) -> None:
    for name in (rival.client.public_id, "cli_nothing"):
        form = {"client": name, "name": "Mine", "website": ""}
        assert send(owner, SAVE, form) == 404


def test_who_left_the_company_they_had_switched_to_is_back_in_the_other(
    both: Browser, acme: Everything, rival: Everything
) -> None:
    both.post(SWITCH, {"to": rival.client.public_id})
    Membership.objects.filter(client=rival.client, user=acme.people[Role.OWNER]).delete()
    assert here(both) == acme.client.name
