"""One call to a website: a page or a sitemap, as it is now. Writes nothing.

What comes is read in a process of its own (engine/web/apart.py); `beat` is called meanwhile.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from django.conf import settings

from chatbot_saas.lib.net.content import Fetched, Limits
from chatbot_saas.lib.net.fetch import NOT_MODIFIED, door
from knowledge.engine.sandbox import Beat
from knowledge.engine.web import apart
from knowledge.engine.web.links import PageLinks
from knowledge.engine.web.robots import Rules
from knowledge.engine.web.sitemap import MOST_BYTES, Sitemap
from knowledge.engine.web.urls import normal, origin_of, site_of
from knowledge.models import Source, WebPage, Website

MEGABYTE = 1024 * 1024
PAGE = Limits(seconds=30, bytes=5 * MEGABYTE)
SITEMAP = Limits(seconds=40, bytes=MOST_BYTES, types=frozenset())

# No browser reads them; Python does, and five megabytes of the first one would take it hours.
NOT_OF_PAGES = frozenset({"punycode", "idna", "raw-unicode-escape", "unicode-escape", "utf-7"})


class NotWanted(Exception):
    """A page that its owner, or ours, does not want read; the message says why."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A page as it is now: `url` is where it really lies, `sha256` of the text that is read from
    it, so that a new advertisement or token in it is no change."""

    url: str
    body: bytes
    sha256: str
    links: PageLinks
    etag: str = ""
    last_modified: str = ""


def page_of(website: Website, page: WebPage, rules: Rules, *, beat: Beat) -> Visit | None:
    """The page; None when it is the same as when it was read.

    Raises a FetchError, Unreadable, NotWanted or ServerGone.
    """
    _require(rules, page.url)
    follow = _may_follow(website, page, rules)
    found = door.get(page.url, headers=_conditions(page), limits=PAGE, may_follow=follow)
    if found.status == NOT_MODIFIED:
        return None
    if normal(found.url) is None:
        raise NotWanted("It leads to an address that is too long.")
    body = _with_address(_in_utf8(found), found.url)
    read = apart.read_page(body, found.url, agent=settings.CRAWLER_NAME, beat=beat)
    if read.links.wants_no_index:
        raise NotWanted("The page asks not to be found (noindex).")
    return Visit(
        url=_own_address(found.url, read.links),
        body=body,
        sha256=read.sha256,
        links=read.links,
        etag=found.headers.get("etag", "")[:300],
        last_modified=found.headers.get("last-modified", "")[:100],
    )


def sitemap_of(website: Website, page: WebPage, rules: Rules, *, beat: Beat) -> Sitemap:
    """Raises as `page_of` does."""
    _require(rules, page.url)
    follow = _may_follow(website, page, rules)
    found = door.get(page.url, limits=SITEMAP, may_follow=follow)
    return apart.read_sitemap(found.body, found.url, beat=beat)


def _conditions(page: WebPage) -> dict[str, str]:
    """Ask for a page only if it changed; one that we do not hold (any more) in any case."""
    if page.source is None or page.source.state == Source.State.FAILED:
        return {}
    conditions = {"If-None-Match": page.etag, "If-Modified-Since": page.last_modified}
    return {name: value for name, value in conditions.items() if value}


def _may_follow(website: Website, page: WebPage, rules: Rules) -> Callable[[str], None]:
    """A start page may lead to another host, such as the company's new one; others stay here."""
    is_start = page.depth == 0 and page.source_id is None
    origin = origin_of(page.url)

    def check(url: str) -> None:
        if not is_start and site_of(url) != site_of(website.url):
            raise NotWanted(f"It leads to another website, “{site_of(url)}”.")
        if origin_of(url) == origin:
            _require(rules, url)

    return check


def _require(rules: Rules, url: str) -> None:
    if not rules.allow(url):
        raise NotWanted("The website’s robots.txt asks programs not to read this page.")


def _own_address(url: str, links: PageLinks) -> str:
    """Where the page says it lies, if that is a place of the same site."""
    here = normal(url) or url
    is_ours = links.canonical and site_of(links.canonical) == site_of(here)
    return links.canonical if is_ours else here


def _with_address(body: bytes, url: str) -> bytes:
    """The page with a <base>, unless it has one: once it is a file, its relative links would lead
    nowhere."""
    starts_with_markup = body.lstrip()[:1] == b"<" and not body.lstrip().startswith(b"<?")
    if not starts_with_markup or b"<base" in body.lower():
        return body
    return f'<base href="{escape(url)}">\n'.encode() + body


def _in_utf8(found: Fetched) -> bytes:
    """The body in one encoding; the header's word is lost once the page is a file."""
    try:
        codec = codecs.lookup(found.charset or "utf-8")
        if codec.name == "utf-8" or codec.name in NOT_OF_PAGES:
            return found.body
        name = "cp1252" if codec.name == "iso8859-1" else codec.name
        return found.body.decode(name, errors="replace").encode()
    except (LookupError, ValueError):
        return found.body
