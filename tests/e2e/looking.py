"""Look at a page as a browser, a screen reader and a person would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from axe_playwright_python.sync_playwright import Axe
from django.db import connections
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from accounts.models import CspReport
from tests import environment
from tests.services.waiting import wait_until

T = TypeVar("T")

WAYS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]


def look(page: Page, shot: Path, *, besides: Sequence[str] = ()) -> None:
    """Nothing for axe to say (`besides` some rules), nothing too wide, and a picture for people."""
    page.screenshot(path=shot, full_page=True)
    rules = {rule: {"enabled": False} for rule in besides}
    # Preloading makes axe add style elements of its own, which the page's policy rightly refuses.
    found = Axe().run(page, options={"rules": rules, "preload": False})
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def shots() -> Path:
    """Where the pictures of a run lie, to be looked at."""
    folder = environment.BASE / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def nothing_reported(context: BrowserContext, site: str) -> Iterator[None]:
    """No page that is opened inside breaks the policy in a way that its browser reports.

    Reports come late. A break made on purpose is the last: once its report has arrived, those
    before it have too, and it shows that this browser's reports arrive at all.
    """
    began, mark = timezone.now(), f"https://{uuid4().hex}.example"
    yield
    page = context.new_page()
    page.goto(f"{site}/pricing/")
    page.evaluate("address => { new Image().src = `${address}/made-on-purpose.png` }", mark)
    made = CspReport.objects.filter(blocked=mark)
    wait_until(lambda: apart(made.exists), 20, "the report of a break made on purpose")
    page.close()
    found = CspReport.objects.filter(last_at__gte=began).exclude(blocked=mark)
    others = apart(lambda: [f"{one.page}: {one.directive} {one.blocked}" for one in found])
    apart(made.delete)
    assert not others, others


def apart(ask: Callable[[], T]) -> T:
    """Ask the database in a thread of its own: beside Playwright's loop Django refuses to."""

    def asked() -> T:
        try:
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asked).result()
