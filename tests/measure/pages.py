"""The dashboard's pages with many rows: time on the server, and bytes on a first view."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time

import httpx

from tests.measure.installation import installed
from tests.services.process import ROOT, child_env

PAGES = (
    "/app/",
    "/app/knowledge/",
    "/app/playground/",
    "/app/widget/",
    "/app/conversations/",
    "/app/analytics/",
    "/app/settings/members/",
    "/app/settings/keys/",
    "/app/settings/audit/",
)
CALLS = 60
ENCODINGS = {"Accept-Encoding": "gzip, br"}
ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def main() -> None:
    with installed() as product:
        made = subprocess.run(
            [sys.executable, "-m", "tests.measure.many_rows"],
            cwd=ROOT,
            env=child_env(product.env),
            check=True,
            capture_output=True,
            text=True,
        )
        session = {"session": made.stdout.strip()}
        with httpx.Client(base_url=product.web.url, cookies=session, timeout=60) as http:
            floor = p(times(http, "/healthz"), 50)
            for path in PAGES:
                report(http, path, floor)


def report(http: httpx.Client, path: str, floor: float) -> None:
    taken = times(http, path)
    print(
        f"pages       {path:24} p50 {p(taken, 50):5.1f} ms, p95 {p(taken, 95):5.1f} ms "
        f"(aim: p95 60 ms), {p(taken, 50) / floor:4.0f} × /healthz; "
        f"first view {first_view(http, path) / 1024:.0f} kB (aim: 60 kB)",
        flush=True,
    )


def times(http: httpx.Client, path: str) -> list[float]:
    """Milliseconds of each call, one after the other, after some that warm it up."""
    taken = []
    for number in range(CALLS + 10):
        began = time.perf_counter()
        response = http.get(path)
        seconds = time.perf_counter() - began
        assert response.status_code == 200, f"{path}: {response.status_code}"
        if number >= 10:
            taken.append(seconds * 1000)
    return taken


def first_view(http: httpx.Client, path: str) -> int:
    """Bytes of the page and of everything that it names, as a browser gets them."""
    page = http.get(path)
    assets = set(ASSET.findall(page.text))
    return transferred(http, path) + sum(transferred(http, asset) for asset in assets)


def transferred(http: httpx.Client, path: str) -> int:
    with http.stream("GET", path, headers=ENCODINGS) as response:
        return sum(len(chunk) for chunk in response.iter_raw())


def p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
