"""Read a page or a sitemap in a process of its own: none of it is taken apart in this one.

What a stranger's server sends may be made so that its tree fills the memory, or takes a minute of
computing: that costs this page, and not the process that also does other work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from knowledge.engine.limits import MEGABYTE, Limits
from knowledge.engine.sandbox import Beat, Lines, Reasons, telling
from knowledge.engine.web.links import MOST_LINKS, PageLinks
from knowledge.engine.web.sitemap import MOST_ENTRIES, Sitemap

LIMITS = Limits(memory=512 * MEGABYTE, cpu=30, wall=60, pause=30)
OF_A_PAGE = Reasons(
    "This page is too complicated: reading it took too long.",
    "This page is too complicated: reading it needs too much memory.",
    "This page is damaged, or too complicated to be read.",
)
OF_A_SITEMAP = Reasons(
    "This sitemap is too complicated: reading it took too long.",
    "This sitemap is too complicated: reading it needs too much memory.",
    "This sitemap is damaged, or too complicated to be read.",
)


@dataclass(frozen=True, slots=True)
class ReadPage:
    """What a page says; `sha256` is of the text that is read from it."""

    links: PageLinks
    sha256: str


def read_page(
    body: bytes, url: str, *, agent: str, beat: Beat, limits: Limits = LIMITS
) -> ReadPage:
    """The page that was found at `url`; `beat` is called while it takes time.

    Raises Unreadable, and ServerGone.
    """
    job = {"does": "page", "url": url, "agent": agent}
    with _told(body, job, beat, limits, OF_A_PAGE) as lines:
        head: dict[str, Any] = lines.next(limits.wall)["page"]
        sha256 = head.pop("sha256")
        links = tuple(islice(lines.rest("link"), MOST_LINKS))
        return ReadPage(PageLinks(**head, links=links), sha256)


def read_sitemap(body: bytes, url: str, *, beat: Beat, limits: Limits = LIMITS) -> Sitemap:
    """The sitemap that was found at `url`. Calls and raises as `read_page` does."""
    found: dict[str, list[str]] = {"page": [], "map": []}
    with _told(body, {"does": "sitemap", "url": url}, beat, limits, OF_A_SITEMAP) as lines:
        for kind, place in islice(lines.rest("place"), MOST_ENTRIES):
            found[kind].append(place)
    return Sitemap(tuple(found["page"]), tuple(found["map"]))


@contextmanager
def _told(
    body: bytes, job: dict[str, Any], beat: Beat, limits: Limits, reasons: Reasons
) -> Iterator[Lines]:
    """A file without a name: whoever is killed leaves nothing behind."""
    with tempfile.TemporaryFile() as given:
        given.write(body)
        given.seek(0)
        with telling(job, limits=limits, reasons=reasons, beat=beat, given=given) as lines:
            yield lines
