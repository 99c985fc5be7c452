from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from accounts.roles import Role
from tests.everything import Everything


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Limits are counted in the cache."""
    cache.clear()


@pytest.fixture
def acme(db: None) -> Everything:
    return Everything.make("acme")


@pytest.fixture
def rival(db: None) -> Everything:
    return Everything.make("rival")


@pytest.fixture
def owner(acme: Everything) -> Browser:
    return signed_in(acme, Role.OWNER)


def send(browser: Browser, path: str, form: dict[str, str]) -> int:
    """Post a form as browsers do; Django's own test client would make it multipart."""
    body, kind = urlencode(form), "application/x-www-form-urlencoded"
    return browser.post(path, body, content_type=kind).status_code


def signed_in(world: Everything, role: Role) -> Browser:
    browser = Browser()
    browser.force_login(world.people[role])
    return browser


def at_once(steps: Sequence[Callable[[], None]]) -> None:
    """Run each in a thread of its own, all together, to the end."""
    threads = [threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
