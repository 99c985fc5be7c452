"""A real Chromium, the installed one, through Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome")
PLACES = (
    "/usr/bin/chromium",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

# Tests reach loopback only: whatever else a page asks for fails at once instead of hanging.
LAUNCH_ARGS = (
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers often have 64 MB there
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, "
    "EXCLUDE 127.0.0.1",
)


class NoBrowser(RuntimeError):
    """There is no Chromium on this machine."""


def find_chromium() -> Path:
    """The browser named by CHROMIUM, or an installed one; raises NoBrowser."""
    if chosen := os.environ.get("CHROMIUM"):
        return _existing(chosen)
    found = [path for name in NAMES if (path := shutil.which(name))]
    for candidate in (*found, *PLACES):
        if Path(candidate).exists():
            return Path(candidate)
    raise NoBrowser(
        "no Chromium found: install it (Debian: apt-get install chromium), or set CHROMIUM"
    )


def launch_args() -> list[str]:
    """The options for this user; root may not use Chromium's sandbox."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*LAUNCH_ARGS, *(["--no-sandbox"] if root else [])]


@contextmanager
def open_browser(*, headless: bool = True, args: Sequence[str] = ()) -> Iterator[Browser]:
    """A running browser; make one context for each test in it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), headless=headless, args=[*launch_args(), *args]
        )
        try:
            yield browser
        finally:
            browser.close()


def _existing(path: str) -> Path:
    if not Path(path).exists():
        raise NoBrowser(f"CHROMIUM names {path}, which does not exist")
    return Path(path)
