"""Sitemaps: lists of pages, and lists of such lists (sitemaps.org)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from knowledge.engine.errors import Unreadable
from knowledge.engine.web.urls import normal

MOST_ENTRIES = 50_000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """Normal addresses, each once, in the order of the file."""

    pages: Sequence[str] = ()
    maps: Sequence[str] = ()


def read_sitemap(data: bytes, url: str) -> Sitemap:
    """A sitemap found at `url`: XML, or plain text with an address on each line.

    Raises Unreadable. Nothing that it names is loaded: no entities, no definitions.
    """
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Sitemap(pages=_normal(data.decode("utf-8", errors="replace").splitlines(), url))
    pages, maps = list[str](), list[str]()
    events = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        tag=("{*}url", "{*}sitemap"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
        huge_tree=False,
    )
    try:
        for _, element in events:
            place = element.findtext("{*}loc")
            is_map = etree.QName(element).localname == "sitemap"
            (maps if is_map else pages).append(place or "")
            element.clear()
            if len(pages) + len(maps) >= MOST_ENTRIES:
                break
    except etree.XMLSyntaxError as error:
        raise Unreadable("This sitemap is damaged.") from error
    return Sitemap(pages=_normal(pages, url), maps=_normal(maps, url))


def _normal(places: Sequence[str], base: str) -> Sequence[str]:
    found = (normal(place, base) for place in places[:MOST_ENTRIES] if place.strip())
    return tuple(dict.fromkeys(one for one in found if one))
