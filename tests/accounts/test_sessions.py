"""A person sees where they are logged in, and ends one session or all others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import devices
from accounts.models import User
from accounts.roles import Role
from tests.accounts.conftest import signed_in
from tests.everything import Everything
from tests.house import session_of

PAGE = "/accounts/sessions/"
END = f"{PAGE}end/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0"


def elsewhere(user: User, agent: str = CHROME, address: str = "192.0.2.9") -> UserSession:
    """A session of this person in another browser."""
    key = session_of(user)
    return UserSession.objects.create(user=user, session_key=key, ip=address, user_agent=agent)


def is_in(row: UserSession) -> bool:
    browser = Browser()
    browser.cookies[settings.SESSION_COOKIE_NAME] = row.session_key
    return browser.get("/app/").status_code == 200


@pytest.fixture
def person(acme: Everything) -> User:
    return acme.people[Role.OWNER]


@pytest.fixture
def browser(person: User) -> Browser:
    browser = Browser(HTTP_USER_AGENT=FIREFOX)
    browser.force_login(person)
    return browser


def test_the_list_says_which_browser_from_where_and_which_is_this_one(
    browser: Browser, person: User
) -> None:
    other = elsewhere(person)
    lately = timezone.now() - timedelta(minutes=5)
    UserSession.objects.filter(pk=other.pk).update(last_seen_at=lately)
    places = browser.get(PAGE).context["places"]
    assert [(one.device, one.address, one.is_this_one) for one in places] == [
        ("Firefox on Windows", "127.0.0.1", True),
        ("Chrome on Linux", "192.0.2.9", False),
    ]
    words = browser.get(PAGE).content.decode()
    for said in ("Chrome on Linux", "192.0.2.9", "5 minutes ago", "this one"):
        assert said in words
    assert words.count(f'action="{END}"') == 1


def test_one_session_is_ended_and_the_others_go_on(browser: Browser, person: User) -> None:
    stolen, mine = elsewhere(person), elsewhere(person)
    assert is_in(stolen)
    assert browser.post(END, {"session": stolen.pk})["Location"] == PAGE
    assert not is_in(stolen)
    assert is_in(mine)
    assert browser.get("/app/").status_code == 200
    assert not Session.objects.filter(session_key=stolen.session_key).exists()
    assert browser.post(END, {"session": stolen.pk}).status_code == 404


def test_all_others_are_ended_at_once(browser: Browser, person: User, rival: Everything) -> None:
    others, strangers = [elsewhere(person), elsewhere(person)], elsewhere(rival.people[Role.OWNER])
    assert browser.post(PAGE)["Location"] == PAGE
    assert not any(is_in(one) for one in others)
    assert is_in(strangers)
    assert len(browser.get(PAGE).context["places"]) == 1


def test_who_ends_this_session_is_logged_out(browser: Browser, person: User) -> None:
    browser.get(PAGE)
    this_one = UserSession.objects.get(user=person)
    assert browser.post(END, {"session": this_one.pk})["Location"] == "/accounts/login/"
    assert browser.get("/app/")["Location"].startswith("/accounts/login/")
    assert not is_in(this_one)


def test_a_strangers_session_does_not_exist(browser: Browser, rival: Everything) -> None:
    for role in Role:
        theirs = elsewhere(rival.people[role])
        assert browser.post(END, {"session": theirs.pk}).status_code == 404
        assert is_in(theirs)


def test_a_colleagues_session_does_not_exist_either(browser: Browser, acme: Everything) -> None:
    theirs = elsewhere(acme.people[Role.VIEWER])
    assert browser.post(END, {"session": theirs.pk}).status_code == 404
    assert is_in(theirs)
    assert theirs.pk not in [one.number for one in browser.get(PAGE).context["places"]]


@pytest.mark.parametrize("sent", ["", "x", "-1", "1e3", "9" * 30, "\x00", "²"])
def test_bad_input_ends_nothing(browser: Browser, person: User, sent: str) -> None:
    other = elsewhere(person)
    assert browser.post(END, {"session": sent}).status_code == 404
    assert is_in(other)


def test_wrong_methods_and_forged_forms_are_refused(browser: Browser, person: User) -> None:
    other = elsewhere(person)
    assert browser.get(END, {"session": other.pk}).status_code == 405
    assert browser.put(PAGE).status_code == 405
    forged = Browser(enforce_csrf_checks=True)
    forged.force_login(person)
    assert forged.post(END, {"session": other.pk}).status_code == 403
    assert forged.post(PAGE).status_code == 403
    assert is_in(other)


def test_sessions_that_log_nobody_in_are_not_listed(browser: Browser, person: User) -> None:
    ended, expired, foreign = (elsewhere(person) for _ in range(3))
    Session.objects.filter(session_key=ended.session_key).delete()
    long_ago = timezone.now() - timedelta(days=1)
    Session.objects.filter(session_key=expired.session_key).update(expire_date=long_ago)
    UserSession.objects.filter(pk=foreign.pk).update(
        session_key=session_of(User.objects.create_user("else@acme.example"))
    )
    assert [one.is_this_one for one in browser.get(PAGE).context["places"]] == [True]
    assert UserSession.objects.filter(user=person).count() == 1


def test_a_new_password_takes_the_others_off_the_list(browser: Browser, person: User) -> None:
    elsewhere(person)
    person.set_password("another good one")
    person.save()
    browser.force_login(person)
    assert len(browser.get(PAGE).context["places"]) == 1


def test_the_number_of_queries_is_the_same_for_many_sessions(acme: Everything) -> None:
    browser, person = signed_in(acme, Role.OWNER), acme.people[Role.OWNER]
    elsewhere(person)
    counts = []
    for more in (0, 10, 30):
        for _ in range(more):
            elsewhere(person)
        browser.get(PAGE)  # notes this session
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = browser.get(PAGE)
        counts.append(len(queries))
    assert len(page.context["places"]) == 42
    assert len(set(counts)) == 1
    assert counts[0] <= 6


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (CHROME + " Safari/537.36", "Chrome on Linux"),
        (CHROME + " Safari/537.36 Edg/139.0.0.0", "Edge on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/139.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 200, "x" * 60),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_told_in_words(agent: str, words: str) -> None:
    assert devices.in_words(agent) == words
