"""What members do to their log-in stands in the audit log of each of their companies."""

from __future__ import annotations

import re

import httpx
import pytest
from django.test import Client as Browser

from accounts import people
from accounts.models import AuditEvent, Client, Membership, User
from accounts.roles import Role
from tests.accounts.conftest import signed_in
from tests.accounts.mails import code_for, reset_link_for
from tests.accounts.test_login import log_in, totp
from tests.everything import Everything
from tests.house import PASSWORD as HOUSE_PASSWORD
from tests.house import House, Tenant

EMAIL = "alice@acme.example"
PASSWORD = "correct horse battery"
ANOTHER = "another good one"
LOGIN, FACTORS = "/accounts/login/", "/accounts/2fa/"


@pytest.fixture
def alice(acme: Everything) -> User:
    user = people.with_verified_address(EMAIL, PASSWORD)
    Membership.objects.create(client=acme.client, user=user, role=Role.VIEWER)
    return user


@pytest.fixture
def browser(alice: User) -> Browser:
    """Alice, logged in with her password; that itself is not in the log any more."""
    browser = Browser(REMOTE_ADDR="192.0.2.44")
    log_in(browser, EMAIL, PASSWORD)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    AuditEvent.objects.filter(action="person.login").delete()
    return browser


def noted(client: Client) -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.for_client(client).filter(action__startswith="person.")
    rows = events.order_by("pk").values_list("actor_name", "action", "target")
    return [(name, action.removeprefix("person."), target) for name, action, target in rows]


def test_a_log_in_is_noted_with_its_address_and_the_owner_reads_it(
    acme: Everything, alice: User, owner: Browser
) -> None:
    log_in(Browser(REMOTE_ADDR="192.0.2.44"), EMAIL, PASSWORD)
    event = AuditEvent.objects.for_client(acme.client).latest("pk")
    assert (event.action, event.actor, event.address) == ("person.login", alice, "192.0.2.44")
    page = owner.get("/app/settings/audit/", {"about": "person"}).content.decode()
    for words in (EMAIL, "logged in", "192.0.2.44"):
        assert words in page


def test_a_log_in_by_mailed_code_is_noted(acme: Everything, alice: User) -> None:
    browser = Browser()
    browser.post("/accounts/login/code/", {"email": EMAIL})
    assert noted(acme.client) == []
    browser.post("/accounts/login/code/confirm/", {"code": code_for(EMAIL)})
    assert noted(acme.client) == [(EMAIL, "login", "")]


def test_every_company_of_the_person_knows_and_no_other(
    acme: Everything, rival: Everything, alice: User
) -> None:
    second = Client.objects.create(name="Second")
    Membership.objects.create(client=second, user=alice, role=Role.OWNER)
    log_in(Browser(), EMAIL, PASSWORD)
    assert noted(acme.client) == noted(second) == [(EMAIL, "login", "")]
    assert noted(rival.client) == []


def test_wrong_passwords_and_unknown_people_write_nothing(acme: Everything, alice: User) -> None:
    log_in(Browser(), EMAIL, "not the password")
    log_in(Browser(), "nobody@acme.example", PASSWORD)
    Browser().post("/accounts/password/reset/", {"email": EMAIL})
    assert noted(acme.client) == []


def test_a_new_password_is_noted(acme: Everything, browser: Browser) -> None:
    form = {"oldpassword": PASSWORD, "password1": ANOTHER, "password2": ANOTHER}
    browser.post("/accounts/password/change/", form | {"oldpassword": "wrong"})
    assert noted(acme.client) == []
    browser.post("/accounts/password/change/", form)
    assert noted(acme.client) == [(EMAIL, "password", "")]


def test_a_password_reset_by_mail_is_noted(acme: Everything, alice: User) -> None:
    browser = Browser()
    browser.post("/accounts/password/reset/", {"email": EMAIL})
    place = browser.get(reset_link_for(EMAIL))["Location"]
    browser.post(place, {"password1": ANOTHER, "password2": ANOTHER})
    assert (EMAIL, "password_reset", "") in noted(acme.client)


def test_a_new_address_is_noted_once_it_is_confirmed(acme: Everything, browser: Browser) -> None:
    new = "alice@new.example"
    browser.post("/accounts/email/", {"action_add": "", "email": new})
    assert noted(acme.client) == []
    browser.post("/accounts/confirm-email/", {"code": code_for(new)})
    assert noted(acme.client) == [(new, "email", new)]
    assert AuditEvent.objects.get(action="person.email").details == {"before": EMAIL}


def submit(http: httpx.Client, path: str, **form: str) -> httpx.Response:
    """Open a page and send its form, as browsers do."""
    return send(http, path, http.get(path).text, **form)


def send(http: httpx.Client, path: str, page: str, **form: str) -> httpx.Response:
    token = page.partition('csrfmiddlewaretoken" value="')[2][:64]
    return http.post(path, data={"csrfmiddlewaretoken": token, **form})


def test_second_factors_are_noted_when_they_come_fail_and_go(house: House, shop: Tenant) -> None:
    """Over HTTP: allauth tells of them once the transaction of the request has ended."""
    email, app, codes = shop.member(Role.VIEWER).email, "authenticator app", "recovery codes"
    site = house.web.url
    with httpx.Client(base_url=site) as mine, httpx.Client(base_url=site) as stranger:
        submit(mine, LOGIN, login=email, password=HOUSE_PASSWORD)
        submit(mine, "/accounts/reauthenticate/", password=HOUSE_PASSWORD)
        page = mine.get(f"{FACTORS}totp/activate/").text
        secret = re.findall(r'value="([A-Z2-7]{32})"', page)[0]
        send(mine, f"{FACTORS}totp/activate/", page, code=totp(secret))
        submit(stranger, LOGIN, login=email, password=HOUSE_PASSWORD)
        submit(stranger, f"{FACTORS}authenticate/", code="000000")
        submit(mine, f"{FACTORS}recovery-codes/generate/")
        submit(mine, f"{FACTORS}totp/deactivate/")
    assert noted(shop.client)[:5] == [
        (email, "login", ""),
        (email, "factor_added", app),
        (email, "factor_added", codes),
        (email, "factor_failed", ""),
        (email, "factor_renewed", codes),
    ]
    assert (email, "factor_removed", app) in noted(shop.client)


def test_only_owners_read_it(acme: Everything, alice: User) -> None:
    log_in(Browser(), EMAIL, PASSWORD)
    for role in (Role.ADMIN, Role.EDITOR, Role.VIEWER):
        assert signed_in(acme, role).get("/app/settings/audit/").status_code == 403
