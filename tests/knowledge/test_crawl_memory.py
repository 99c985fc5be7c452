"""What hostile websites cost the worker, which also does other work: one failed page each."""

from __future__ import annotations

import gzip

import psutil

from knowledge.engine.limits import MEGABYTE
from knowledge.models import WebPage
from tests.fakes.site import Site
from tests.house import House, Tenant
from tests.services.memory import forget_peak, peak_megabytes

MOST_GROWTH = 60  # megabytes: a page has 5, a sitemap 50 when it is unpacked
PAGE_BYTES = 5 * MEGABYTE - 100
HTML = "text/html"


def of_worker(house: House) -> list[int]:
    """Its processes, without those that read a stranger's file, which have limits of their own."""
    main = psutil.Process(house.worker.pid)
    below = [one for one in main.children(recursive=True) if one.is_running()]
    reads = [one for one in below if "knowledge.engine.reading_server" in one.cmdline()]
    return [one.pid for one in (main, *below) if one not in reads]


def hostile(house: House, name: str) -> Site:
    site = house.website()
    site.article("/", "Start", f"Welcome to the shop of {name}.", "/hours", "/marks", "/links")
    site.article("/hours", "Hours", f"{name} opens at nine every morning.")
    site.raw("/marks", b"<p>!" * (PAGE_BYTES // 4), HTML)
    site.raw("/links", b"<p>Words.</p>" + b"<a x=y>" * (PAGE_BYTES // 7), HTML)
    full = b"<urlset>" + b"<x/>" * (12 * MEGABYTE)
    site.raw("/sitemap.xml", gzip.compress(full, 9), "application/gzip")
    return site


def test_pages_and_sitemaps_full_of_nothing_do_not_make_the_worker_grow(
    house: House, shop: Tenant
) -> None:
    learned = shop.learn("a.txt", "Whatever is loaded once is loaded.")
    assert learned["status"] == "ready"
    site, processes = hostile(house, "Ada"), of_worker(house)
    before = {pid: forget_peak(pid) for pid in processes}
    found = shop.crawl(site.url)
    grown = {pid: peak_megabytes(pid) - before[pid] for pid in processes}
    assert max(grown.values()) < MOST_GROWTH, grown
    assert "/sitemap.xml" in site.paths
    assert (found["status"], found["pages"]["taken"]) == ("ready", 2)
    failed = WebPage.objects.filter(website__public_id=found["id"], state="failed", kind="page")
    assert ["too complicated" in page.error for page in failed] == [True, True]
