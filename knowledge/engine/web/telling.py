"""In the process that reads a page or a sitemap, its standard input: what it says, as lines.

apart.py understands them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO, Any

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_html import html_to_markdown
from knowledge.engine.web.links import links_of
from knowledge.engine.web.sitemap import read_sitemap

STANDARD_INPUT = 0
# Five megabytes of an encyclopedia have 200,000; a million take a minute and 700 MB.
MOST_TAGS = 400_000
EMPTY = "There is no text in this page, or only a program can show it."

Line = dict[str, Any]


def page(job: dict[str, Any]) -> Iterator[Line]:
    """Raises Unreadable."""
    with _given() as file:
        data = file.read()
    if data.count(b"<") > MOST_TAGS:
        raise Unreadable("This page is too complicated to be read: it has too many elements.")
    # A page of this size without any text is one that only a program could draw.
    title, text = html_to_markdown(data) if data.strip() else ("", "")
    if not text.strip():
        raise Unreadable(EMPTY)
    sha256 = _digest(title, text)
    del text
    found = links_of(data, job["url"], agent=job["agent"])
    says = {"title": found.title, "canonical": found.canonical}
    yield {"page": {**says, "wants_no_index": found.wants_no_index, "sha256": sha256}}
    for url in found.links:
        yield {"link": url}
    yield {"end": True}


def sitemap(job: dict[str, Any]) -> Iterator[Line]:
    """Raises Unreadable."""
    with _given() as file:
        found = read_sitemap(file, job["url"])
    for kind, urls in (("page", found.pages), ("map", found.maps)):
        for url in urls:
            yield {"place": [kind, url]}
    yield {"end": True}


def _given() -> IO[bytes]:
    return open(STANDARD_INPUT, "rb", closefd=False)


def _digest(title: str, text: str) -> str:
    """Of the words: how a page is laid out is no change of what it says."""
    words = " ".join(f"{title}\n{text}".split())
    return hashlib.sha256(words.encode()).hexdigest()
