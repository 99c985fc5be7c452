"""Which new addresses of a website become rows: wanted, not there yet, and within the limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from billing.entitlement import entitlement_of
from knowledge.engine.web.scope import Scope, Variants
from knowledge.engine.web.urls import key_of, site_of
from knowledge.models import WebPage, Website

MOST_SITEMAPS = 100
MOST_SITEMAP_DEPTH = 3
# Pages that turn out to be copies, or not to exist, are not counted; but they too have an end.
MOST_ROWS_PER_PAGE = 3
SPARE_ROWS = 50

Kind = WebPage.Kind


class Frontier:
    """Kept by whoever holds the lease, for as long as a slice of work lasts."""

    def __init__(self, website: Website, known: Iterable[tuple[str, str, str]], room: int) -> None:
        rows = list(known)
        self._website = website
        self._keys = {(kind, key) for kind, key, _ in rows}
        self._variants = Variants(url for kind, _, url in rows if kind == Kind.PAGE)
        self._room = room

    @classmethod
    def of(cls, website: Website) -> Self:
        known = website.pages.values_list("kind", "key", "url")
        return cls(website, known, _room(website, len(known)))

    def follow(self, urls: Iterable[str], *, depth: int) -> None:
        """Pages that a page links to; who named a list of pages wants no others."""
        if self._website.mode == Website.Mode.CRAWL and depth <= self._website.depth:
            self.add(urls, depth=depth)

    def add(self, urls: Iterable[str], *, depth: int) -> None:
        """Pages that a sitemap names."""
        website = self._website
        scope, new = website.scope, list[WebPage]()
        for url in urls:
            if self._room > 0 and self._takes(scope, url):
                self._keys.add((Kind.PAGE, key_of(url)))
                self._variants.add(url)
                self._room -= 1
                new.append(WebPage(website=website, url=url, key=key_of(url), depth=depth))
        WebPage.objects.bulk_create(new, ignore_conflicts=True)

    def add_sitemaps(self, urls: Iterable[str], *, depth: int) -> None:
        website = self._website
        if depth > MOST_SITEMAP_DEPTH:
            return
        for url in urls:
            place, count = (Kind.SITEMAP, key_of(url)), self._sitemaps
            is_here = site_of(url) == site_of(website.url)
            if is_here and place not in self._keys and count < MOST_SITEMAPS:
                self._keys.add(place)
                row = WebPage(website=website, kind=Kind.SITEMAP, url=url, key=place[1])
                row.depth = depth
                row.save()

    @property
    def _sitemaps(self) -> int:
        return sum(1 for kind, _ in self._keys if kind == Kind.SITEMAP)

    def _takes(self, scope: Scope, url: str) -> bool:
        is_new = (Kind.PAGE, key_of(url)) not in self._keys
        return is_new and scope.takes(url) and self._variants.allows(url)


def _room(website: Website, rows: int) -> int:
    """How many more pages there may be: of this website, of the client's plan, and of rows."""
    client = website.knowledge_base.client
    held = WebPage.objects.for_client(client).counted().count()
    return min(
        website.limit - website.pages.counted().count(),
        entitlement_of(client).plan.limits.crawl_pages - held,
        website.limit * MOST_ROWS_PER_PAGE + SPARE_ROWS - rows,
    )
