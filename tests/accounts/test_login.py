"""Log in and stay logged in: passwords, codes, second factors, sessions."""

from __future__ import annotations

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client as Browser

from accounts import people
from accounts.models import Client, Membership, User
from accounts.roles import Role
from tests.accounts.mails import code_for

LOGIN = "/accounts/login/"
EMAIL = "alice@acme.example"
PASSWORD = "correct horse battery"


@pytest.fixture
def alice(db: None) -> User:
    user = people.with_verified_address(EMAIL, PASSWORD)
    client = Client.objects.create(name="Acme")
    Membership.objects.create(client=client, user=user, role=Role.OWNER)
    return user


def log_in(browser: Browser, email: str = EMAIL, password: str = PASSWORD, **more: str):
    return browser.post(LOGIN, {"login": email, "password": password, **more})


def is_in(browser: Browser) -> bool:
    return browser.get("/app/").status_code == 200


@pytest.mark.parametrize("email", [EMAIL, EMAIL.upper(), f"  {EMAIL}"])
def test_a_person_logs_in_and_out(alice: User, email: str) -> None:
    browser = Browser()
    assert log_in(browser, email)["Location"] == "/app/"
    assert is_in(browser)
    assert browser.get("/accounts/logout/").status_code == 200
    assert is_in(browser)  # looking at the page does not log out
    browser.post("/accounts/logout/")
    assert not is_in(browser)


def test_the_next_page_is_one_of_ours(alice: User) -> None:
    browser = Browser()
    assert log_in(browser, next="/app/knowledge/")["Location"] == "/app/knowledge/"
    assert log_in(Browser(), next="https://evil.example/")["Location"] == "/app/"
    assert log_in(Browser(), next="//evil.example/")["Location"] == "/app/"


def test_the_session_is_a_new_one_after_log_in(alice: User) -> None:
    """A key that an attacker put into the browser beforehand is worth nothing."""
    attacker, victim = Browser(), Browser()
    attacker.get(LOGIN)
    session = attacker.session
    session["planted"] = "yes"
    session.save()
    planted = str(session.session_key)
    victim.cookies["session"] = planted
    log_in(victim)
    assert is_in(victim)
    assert victim.cookies["session"].value != planted
    attacker.cookies["session"] = planted
    assert not is_in(attacker)


@pytest.mark.parametrize("bend", [lambda key: key[:-1], lambda key: key + "a", lambda _: "x" * 32])
def test_a_tampered_cookie_is_no_session(alice: User, bend) -> None:
    browser = Browser()
    log_in(browser)
    browser.cookies["session"] = bend(browser.cookies["session"].value)
    assert not is_in(browser)


def test_cookies_are_out_of_scripts_reach(alice: User) -> None:
    browser = Browser()
    browser.get(LOGIN)
    log_in(browser)
    for name in ("session", "csrf"):
        assert browser.cookies[name]["httponly"]
        assert browser.cookies[name]["samesite"] == "Lax"


def test_a_form_without_its_token_is_refused(alice: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    assert log_in(browser).status_code == 403


def test_too_many_wrong_passwords_have_to_wait(alice: User) -> None:
    browser = Browser()
    pages = [log_in(browser, password="wrong").content.decode() for _ in range(7)]
    assert "Too many" in pages[-1]
    log_in(browser)
    assert not is_in(browser)  # the right one does not help now


def test_one_place_can_try_only_so_often(db: None) -> None:
    statuses = [log_in(Browser(), f"p{n}@where.example").status_code for n in range(31)]
    assert statuses[-1] == 429
    page = log_in(Browser(), "p@where.example").content.decode()
    assert "A little slower, please" in page


def test_a_deactivated_person_is_out_with_the_next_click(alice: User) -> None:
    browser = Browser()
    log_in(browser)
    assert is_in(browser)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert browser.get("/app/")["Location"].startswith(LOGIN)
    log_in(browser)
    assert not is_in(browser)


def test_a_mailed_code_logs_in_once(alice: User) -> None:
    browser = Browser()
    browser.post("/accounts/login/code/", {"email": EMAIL})
    code = code_for(EMAIL)
    assert browser.post("/accounts/login/code/confirm/", {"code": code})["Location"] == "/app/"
    assert is_in(browser)
    other = Browser()
    other.post("/accounts/login/code/", {"email": EMAIL})
    other.post("/accounts/login/code/confirm/", {"code": code})
    assert not is_in(other)


def test_a_second_factor_is_asked_for(alice: User) -> None:
    browser = Browser()
    log_in(browser)
    secret = set_up_totp(browser)
    other = Browser()
    assert log_in(other)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(other)
    other.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert not is_in(other)
    assert other.post("/accounts/2fa/authenticate/", {"code": totp(secret)}).status_code == 302
    assert is_in(other)


def test_a_recovery_code_works_once(alice: User) -> None:
    browser = Browser()
    log_in(browser)
    set_up_totp(browser)
    rows = Authenticator.objects.filter(user=alice, type=Authenticator.Type.RECOVERY_CODES)
    code = rows.get().wrap().get_unused_codes()[0]
    for works in (True, False):
        other = Browser()
        log_in(other)
        other.post("/accounts/2fa/authenticate/", {"code": code})
        assert is_in(other) == works


def test_recovery_codes_can_be_read_and_taken_away(alice: User) -> None:
    browser = Browser()
    log_in(browser)
    set_up_totp(browser)
    rows = Authenticator.objects.filter(user=alice, type=Authenticator.Type.RECOVERY_CODES)
    codes = rows.get().wrap().get_unused_codes()
    assert len(codes) == 10
    page = browser.get("/accounts/2fa/recovery-codes/").content.decode()
    assert all(code in page for code in codes)
    file = browser.get("/accounts/2fa/recovery-codes/download/").content.decode()
    assert all(code in file for code in codes)


def test_what_guards_the_account_wants_the_password_again(alice: User) -> None:
    browser = Browser()
    browser.force_login(alice)  # no password was given in this session
    for path in ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"):
        assert "/reauthenticate/" in browser.get(path)["Location"]


def test_sessions_are_listed_and_ended(alice: User) -> None:
    mine, stolen = Browser(HTTP_USER_AGENT="Mine"), Browser(HTTP_USER_AGENT="Stolen")
    log_in(mine)
    log_in(stolen)
    assert is_in(stolen)
    assert "Stolen" in mine.get("/accounts/sessions/").content.decode()
    mine.post("/accounts/sessions/")
    assert not is_in(stolen)
    assert is_in(mine)
    assert UserSession.objects.count() == 1
    assert Session.objects.count() == 1


def test_a_new_password_ends_the_other_sessions(alice: User) -> None:
    mine, stolen = Browser(), Browser()
    log_in(mine)
    log_in(stolen)
    form = {
        "oldpassword": PASSWORD,
        "password1": "another good one",
        "password2": "another good one",
    }
    assert mine.post("/accounts/password/change/", form).status_code == 302
    assert is_in(mine)
    assert not is_in(stolen)


def test_other_ways_in_are_offered_only_when_they_are_set_up(db: None, settings) -> None:
    assert "Google" not in Browser().get(LOGIN).content.decode()
    app = {"client_id": "id", "secret": "secret"}
    settings.SOCIALACCOUNT_PROVIDERS = {"google": {"APPS": [app]}, "github": {"APPS": [app]}}
    for path in (LOGIN, "/accounts/signup/"):
        page = Browser().get(path).content.decode()
        assert "Go on with Google" in page
        assert "Go on with GitHub" in page


@pytest.mark.parametrize("provider", ["google", "github"])
def test_a_provider_without_keys_has_no_page(db: None, provider: str) -> None:
    for method in ("get", "post"):
        for step in ("login", "login/callback"):
            page = getattr(Browser(), method)(f"/accounts/{provider}/{step}/")
            assert page.status_code == 404
            assert f"{provider}.com" not in page["Content-Security-Policy"]


def test_every_page_of_the_account_opens(alice: User) -> None:
    browser = Browser()
    log_in(browser)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for path in (
        "email/", "password/change/", "2fa/", "2fa/webauthn/", "2fa/webauthn/add/", "sessions/",
        "3rdparty/", "2fa/totp/activate/",
    ):  # fmt: skip
        response = browser.get(f"/accounts/{path}")
        assert response.status_code == 200, path
        assert b'lang="en"' in response.content


def test_people_say_what_they_are_called(alice: User) -> None:
    browser = Browser()
    log_in(browser)
    assert browser.post("/app/settings/account/name/", {"name": " عليّ 🎈 "}).status_code == 302
    alice.refresh_from_db()
    assert alice.name == "عليّ 🎈"
    bad = browser.post("/app/settings/account/name/", {"name": "Al\r\nBcc: x@evil.example"})
    assert bad.status_code == 422
    alice.refresh_from_db()
    assert alice.name == "عليّ 🎈"


def set_up_totp(browser: Browser) -> str:
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = browser.get("/accounts/2fa/totp/activate/")
    secret = str(page.context["form"].secret)
    done = browser.post("/accounts/2fa/totp/activate/", {"code": totp(secret)})
    assert done.status_code == 302
    cache.clear()  # a code is good once, and the next one is half a minute away
    return secret


def totp(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
