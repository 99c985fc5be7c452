"""Look at a page as a browser, a screen reader and a person would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests import environment

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
