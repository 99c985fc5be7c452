"""What a page says about itself and where it leads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree, html

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_text import decode
from knowledge.engine.web.urls import normal

MOST_LINKS = 2000
OURS = frozenset({"robots"})


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Normal addresses, each once. `canonical` is the address that the page gives itself, or "".

    `wants_no_index`: its owner asks that nobody finds it. `links` is empty where they must not be
    followed.
    """

    title: str
    canonical: str
    links: Sequence[str]
    wants_no_index: bool = False


def links_of(data: bytes, url: str, *, agent: str = "") -> PageLinks:
    """Read a page that was found at `url`. Raises Unreadable when there is none."""
    root = _root(data)
    base = _base(root, url)
    words = _robots(root, agent)
    canonical = next(_hrefs(root, "canonical"), "")
    follows = not words & {"nofollow", "none"}
    return PageLinks(
        title=" ".join((root.findtext(".//title") or "").split())[:255],
        canonical=(normal(canonical, base) or "") if canonical else "",
        links=_links(root, base) if follows else (),
        wants_no_index=bool(words & {"noindex", "none"}),
    )


def _root(data: bytes) -> Any:
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(decode(data).replace("\0", " ").encode(), parser=parser)
    except (etree.ParserError, ValueError) as error:
        raise Unreadable("There is no text in this page.") from error
    return root


def _base(root: Any, url: str) -> str:
    named = root.find(".//base[@href]")
    found = normal(str(named.get("href")), url) if named is not None else None
    return found or url


def _robots(root: Any, agent: str) -> set[str]:
    """The words of <meta name="robots">, and of the one that calls us by our name."""
    names = OURS | {agent.lower()}
    words = set[str]()
    for meta in root.iter("meta"):
        if (meta.get("name") or "").strip().lower() in names:
            words |= {word.strip().lower() for word in (meta.get("content") or "").split(",")}
    return words


def _hrefs(root: Any, rel: str) -> Iterator[str]:
    for link in root.iter("link"):
        if rel in (link.get("rel") or "").lower().split() and link.get("href"):
            yield str(link.get("href"))


def _links(root: Any, base: str) -> Sequence[str]:
    found = dict[str, None]()
    for anchor in root.iter("a", "area"):
        href = anchor.get("href")
        if not href or "nofollow" in (anchor.get("rel") or "").lower().split():
            continue
        if url := normal(href, base):
            found[url] = None
        if len(found) >= MOST_LINKS:
            break
    return tuple(found)
