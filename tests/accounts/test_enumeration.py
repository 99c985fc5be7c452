"""Nobody learns whether an address has an account: the same words, the same work, the same time."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client as Browser

from accounts import people
from accounts.models import OutboxEmail, User

PASSWORD = "correct horse battery"
ASKING = "asking@acme.example"
PAIRS = 12
Step = Callable[[Browser, str], Any]


class CountingHasher(Argon2PasswordHasher):
    used = 0

    def encode(self, password: str, salt: str) -> Any:
        type(self).used += 1
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> Any:
        type(self).used += 1
        return super().verify(password, encoded)


def sign_up(browser: Browser, email: str) -> Any:
    return browser.post("/accounts/signup/", {"email": email, "password1": PASSWORD})


def log_in(browser: Browser, email: str) -> Any:
    return browser.post("/accounts/login/", {"login": email, "password": "not the password"})


def ask_for_code(browser: Browser, email: str) -> Any:
    return browser.post("/accounts/login/code/", {"email": email})


def forget_password(browser: Browser, email: str) -> Any:
    return browser.post("/accounts/password/reset/", {"email": email})


def sign_up_and_guess(browser: Browser, email: str) -> Any:
    sign_up(browser, email)
    return browser.post("/accounts/confirm-email/", {"code": "AAAA-AAAA"})


def sign_up_and_ask_again(browser: Browser, email: str) -> Any:
    sign_up(browser, email)
    return browser.post("/accounts/confirm-email/", {"action": "resend"})


def guess_a_code(browser: Browser, email: str) -> Any:
    ask_for_code(browser, email)
    return browser.post("/accounts/login/code/confirm/", {"code": "AAAA-AAAA"})


def change_address(browser: Browser, email: str) -> Any:
    """Somebody with an account of their own asks for the address of another."""
    browser.force_login(User.objects.get(email=ASKING))
    return browser.post("/accounts/email/", {"action_add": "", "email": email})


def change_address_and_guess(browser: Browser, email: str) -> Any:
    change_address(browser, email)
    return browser.post("/accounts/confirm-email/", {"code": "AAAA-AAAA"})


def change_address_and_ask_again(browser: Browser, email: str) -> Any:
    change_address(browser, email)
    return browser.post("/accounts/confirm-email/", {"action": "resend"})


STEPS = [
    sign_up,
    sign_up_and_guess,
    sign_up_and_ask_again,
    log_in,
    ask_for_code,
    guess_a_code,
    forget_password,
    change_address,
    change_address_and_guess,
    change_address_and_ask_again,
]
steps = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)


@pytest.fixture(autouse=True)
def unlimited(settings) -> None:
    """The limits are tested elsewhere, and would end a comparison of many tries."""
    settings.ACCOUNT_RATE_LIMITS = False
    # So is that a change of address asks for the password first.
    settings.ACCOUNT_REAUTHENTICATION_REQUIRED = False


@pytest.fixture
def known(db: None) -> list[str]:
    addresses = [f"known{number}@acme.example" for number in range(PAIRS)]
    for address in addresses:
        people.with_verified_address(address, PASSWORD)
    people.with_verified_address(ASKING, PASSWORD)
    return addresses


def seen(step: Step, email: str) -> tuple[object, ...]:
    """Everything that somebody can see of a step and of the page it leads to."""
    browser = Browser()
    answer = step(browser, email)
    words = answer.content.decode()
    if answer.status_code == 302:
        words = browser.get(answer["Location"]).content.decode()
    words = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", words).replace(email, "ADDRESS")
    differing = {"Content-Length", "Expires"}  # the address in the page, and the clock
    headers = {name: text for name, text in answer.headers.items() if name not in differing}
    return answer.status_code, headers, sorted(answer.cookies), words


@steps
def test_the_words_are_the_same(known: list[str], step: Step) -> None:
    assert seen(step, known[0]) == seen(step, "nobody@acme.example")


# Who signs up and asks for another code is mailed one; who has an account was told so once.
@pytest.mark.parametrize(
    "step", [one for one in STEPS if one != sign_up_and_ask_again], ids=lambda step: step.__name__
)
def test_the_work_is_the_same(known: list[str], step: Step, settings) -> None:
    """As many passwords are hashed, and as many mails written."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    work = []
    for email in (known[0], "nobody@acme.example"):
        CountingHasher.used = 0
        before = OutboxEmail.objects.count()
        step(Browser(), email)
        work.append((CountingHasher.used, OutboxEmail.objects.count() - before))
    assert work[0] == work[1]


def test_a_change_of_address_waits_for_its_code(known: list[str]) -> None:
    """Whether or not the address is taken: so the steps above went all the way."""
    for email in (known[0], "nobody@acme.example"):
        assert change_address(Browser(), email)["Location"] == "/accounts/confirm-email/"
        assert OutboxEmail.objects.filter(recipient=email).count() == 1
        assert User.objects.filter(email=ASKING).exists()


@steps
def test_the_time_is_the_same_within_the_noise(known: list[str], step: Step) -> None:
    """Tries are interleaved, so that what else the machine does meets both kinds alike."""
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    for number, address in enumerate(known):
        for kind, email in (("known", address), ("unknown", f"nobody{number}@acme.example")):
            browser = Browser()
            browser.get("/accounts/login/")
            began = time.perf_counter()
            step(browser, email)
            took[kind].append(time.perf_counter() - began)
    ratio = statistics.median(took["known"]) / statistics.median(took["unknown"])
    assert 0.6 < ratio < 1.67
