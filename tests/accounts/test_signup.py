"""Sign up, confirm the address, forget the password, change the address."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client as Browser

from accounts import people
from accounts.models import OutboxEmail, User
from tests.accounts.mails import code_for, latest, reset_link_for

SIGNUP = "/accounts/signup/"
CONFIRM = "/accounts/confirm-email/"
RESET = "/accounts/password/reset/"
EMAIL = "new@acme.example"
PASSWORD = "sourdough at four in the morning"


@pytest.fixture
def browser(db: None) -> Browser:
    return Browser()


def sign_up(browser: Browser, email: str = EMAIL, password: str = PASSWORD):
    return browser.post(SIGNUP, {"email": email, "password1": password})


def is_signed_in(browser: Browser) -> bool:
    return "_auth_user_id" in browser.session


def test_a_person_signs_up_confirms_and_is_led_to_the_company(browser: Browser) -> None:
    assert sign_up(browser)["Location"] == CONFIRM
    assert not is_signed_in(browser)
    assert EMAIL in browser.get(CONFIRM).content.decode()
    done = browser.post(CONFIRM, {"code": code_for(EMAIL)})
    assert done["Location"] == "/app/"
    assert is_signed_in(browser)
    assert browser.get("/app/")["Location"] == "/app/start/"
    user = User.objects.get()
    assert user.password.startswith("argon2$")
    assert EmailAddress.objects.get(user=user).verified


def test_a_wrong_code_confirms_nothing_and_few_are_allowed(browser: Browser) -> None:
    sign_up(browser)
    code = code_for(EMAIL)
    for _ in range(3):
        response = browser.post(CONFIRM, {"code": "AAAA-AAAA"})
        assert not is_signed_in(browser)
    assert response.status_code in {200, 302}
    browser.post(CONFIRM, {"code": code})
    assert not is_signed_in(browser)


def test_a_code_ends(browser: Browser, settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 0
    sign_up(browser)
    browser.post(CONFIRM, {"code": code_for(EMAIL)})
    assert not is_signed_in(browser)


def test_a_code_of_another_persons_sign_up_is_worth_nothing(browser: Browser) -> None:
    sign_up(browser)
    thief = Browser()
    sign_up(thief, "thief@evil.example")
    thief.post(CONFIRM, {"code": code_for(EMAIL)})
    assert not is_signed_in(thief)
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_nobody_logs_in_before_the_address_is_confirmed(browser: Browser) -> None:
    sign_up(browser)
    other = Browser()
    other.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    assert not is_signed_in(other)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("", PASSWORD),
        ("nobody", PASSWORD),
        ("a@b.example\r\nBcc: all@evil.example", PASSWORD),
        (EMAIL, ""),
        (EMAIL, "short"),
        (EMAIL, "password1"),
        (EMAIL, EMAIL),
    ],
)
def test_bad_input_signs_nobody_up(browser: Browser, email: str, password: str) -> None:
    response = sign_up(browser, email, password)
    assert response.status_code == 200
    assert response.context["form"].errors
    assert not User.objects.exists()
    assert not OutboxEmail.objects.exists()


def test_capitals_do_not_make_a_second_account(browser: Browser) -> None:
    people.with_verified_address(EMAIL, PASSWORD)
    sign_up(browser, EMAIL.upper())
    assert User.objects.count() == 1


def test_mails_name_the_product_and_no_other(browser: Browser, settings) -> None:
    sign_up(browser)
    mail = latest(EMAIL)
    assert settings.SITE_NAME in mail.subject
    assert settings.SITE_URL in mail.text
    assert "example.com" not in mail.text


def test_who_came_by_an_invitation_is_led_back_to_it(browser: Browser) -> None:
    back = "/accounts/invitation/abc/"
    form = {"email": EMAIL, "password1": PASSWORD, "next": back}
    browser.post(f"{SIGNUP}?next={back}", form)
    done = browser.post(CONFIRM, {"code": code_for(EMAIL)})
    assert done["Location"] == back


def test_a_next_page_elsewhere_is_not_followed(browser: Browser) -> None:
    form = {"email": EMAIL, "password1": PASSWORD, "next": "https://evil.example/"}
    browser.post(SIGNUP, form)
    assert browser.post(CONFIRM, {"code": code_for(EMAIL)})["Location"] == "/app/"


def test_a_forgotten_password_is_replaced_once(browser: Browser) -> None:
    user = people.with_verified_address(EMAIL, PASSWORD)
    browser.post(RESET, {"email": EMAIL})
    link = reset_link_for(EMAIL)
    page = browser.get(link, follow=True)
    path = page.redirect_chain[-1][0]
    browser.post(path, {"password1": "an entirely new one", "password2": "an entirely new one"})
    user.refresh_from_db()
    assert user.check_password("an entirely new one")
    again = Browser().get(link, follow=True)
    assert "invalid" in again.content.decode()


def test_a_tampered_reset_link_changes_nothing(browser: Browser) -> None:
    user = people.with_verified_address(EMAIL, PASSWORD)
    browser.post(RESET, {"email": EMAIL})
    bent = reset_link_for(EMAIL)[:-3] + "xx/"
    page = browser.get(bent, follow=True).content.decode()
    assert "invalid" in page
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_reset_link_ends(browser: Browser, settings) -> None:
    people.with_verified_address(EMAIL, PASSWORD)
    browser.post(RESET, {"email": EMAIL})
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "invalid" in browser.get(reset_link_for(EMAIL), follow=True).content.decode()


def test_a_reset_ends_the_sessions_that_there_were(browser: Browser) -> None:
    user = people.with_verified_address(EMAIL, PASSWORD)
    thief = Browser()
    thief.force_login(user)
    browser.post(RESET, {"email": EMAIL})
    path = browser.get(reset_link_for(EMAIL), follow=True).redirect_chain[-1][0]
    browser.post(path, {"password1": "an entirely new one", "password2": "an entirely new one"})
    assert thief.get("/app/")["Location"].startswith("/accounts/login/")


def test_an_address_is_changed_only_once_it_is_confirmed(browser: Browser) -> None:
    user = people.with_verified_address(EMAIL, PASSWORD)
    browser.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    browser.post("/accounts/email/", {"action_add": "", "email": "other@acme.example"})
    user.refresh_from_db()
    assert user.email == EMAIL
    browser.post(CONFIRM, {"code": code_for("other@acme.example")})
    user.refresh_from_db()
    assert user.email == "other@acme.example"


def test_strangers_cannot_be_mailed_without_end(browser: Browser) -> None:
    answers = [browser.post(RESET, {"email": EMAIL}).status_code for _ in range(7)]
    assert answers[-1] == 429
    assert OutboxEmail.objects.count() <= 5
