"""RSS and Atom: each entry under its title, with its date and text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowledge.engine.container import parse_xml
from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.links import safe_link
from knowledge.engine.read_html import html_to_markdown
from knowledge.engine.read_text import decode

ENTRIES = ("item", "entry")
BODIES = ("encoded", "content", "description", "summary")
DATES = ("pubDate", "published", "updated", "date")
MOST_ENTRIES = 20_000


def read_feed(path: Path) -> Draft:
    data = path.read_bytes()
    root = parse_xml(_as_utf8(data))
    if _name(root) not in {"rss", "RDF", "feed"}:
        raise Unreadable("This XML file is neither RSS nor Atom, and no other XML can be read.")
    channel = next((one for one in root if _name(one) == "channel"), root)
    title = _text(_first(channel, ("title",)))
    entries = [one for one in root.iter() if _name(one) in ENTRIES][:MOST_ENTRIES]
    about = _text(_first(channel, ("description", "subtitle")))
    parts = [f"# {title}" if title else "", about, *map(_entry, entries)]
    return Draft(["\n\n".join(part for part in parts if part)], title=title)


def _as_utf8(data: bytes) -> bytes:
    """Feeds often lie about their encoding; a declared one would be believed."""
    text = decode(data).lstrip("\ufeff \r\n\t")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    return text.encode(errors="replace")


def _entry(entry: Any) -> str:
    title, link = _text(_first(entry, ("title",))), _link(entry)
    head = f"[{title}]({link})" if title and link else title or link
    body = _body(entry)
    parts = [f"## {head}" if head else "", _text(_first(entry, DATES)), body]
    return "\n\n".join(part for part in parts if part)


def _link(entry: Any) -> str:
    for one in entry:
        if _name(one) == "link" and one.get("rel", "alternate") == "alternate":
            return safe_link(one.get("href") or one.text or "")
    return ""


def _body(entry: Any) -> str:
    """The longest of the texts that an entry brings: a summary is a part of the whole."""
    texts = [_text(one) for one in entry if _name(one) in BODIES]
    longest = max(texts, key=len, default="")
    if not longest:
        return ""
    try:
        return html_to_markdown(longest.encode(errors="replace"), whole=True)[1].strip()
    except Unreadable:
        return ""  # an entry of a picture alone


def _first(parent: Any, names: tuple[str, ...]) -> Any:
    found: Iterator[Any] = (one for name in names for one in parent if _name(one) == name)
    return next(found, None)


def _text(element: Any) -> str:
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
