"""HTML to simple Markdown: the content, without navigation, forms and scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree, html

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_text import decode

_DROPPED = """
script style noscript template svg math iframe object nav aside form button select input
textarea dialog canvas audio video head
"""
DROPPED = frozenset(_DROPPED.split())
HIDDEN_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "dialog", "menu"})
HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_BLOCKS = """
p div section article main ul ol table blockquote pre figure dl dt dd tr header footer address
details summary hr
"""
BLOCKS = frozenset(_BLOCKS.split())
SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")


def html_to_markdown(data: bytes) -> tuple[str, str]:
    """Title and Markdown text of a page. Raises Unreadable when it has no content."""
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    root = html.document_fromstring(_without_declaration(decode(data)).encode(), parser=parser)
    title = SPACES.sub(" ", root.findtext(".//title") or "").strip()
    body = root.find("body")
    if body is None:
        raise Unreadable("There is no text in this page.")
    return title, "".join(_Writer().lines(body))


def _without_declaration(text: str) -> str:
    return re.sub(r"^\s*<\?xml[^>]*>", "", text)


class _Writer:
    """Walks the tree without recursion: a hostile page may be nested a hundred thousand deep."""

    def __init__(self) -> None:
        self.line = ""
        self.prefix = ""
        self.cells: list[str] | None = None
        self.header_written = False
        self.lists: list[str] = []

    def lines(self, body: Any) -> Iterator[str]:
        skipping: Any = None
        for event, element in etree.iterwalk(body, events=("start", "end")):
            if skipping is not None:
                if event == "end" and element is skipping:
                    skipping = None
                    self._text(element.tail)
                continue
            if event == "start" and _is_dropped(element):
                skipping = element
                continue
            yield from self._start(element) if event == "start" else self._end(element)
        yield from self._flush()

    def _start(self, element: Any) -> Iterator[str]:
        tag = element.tag
        if self.cells is None and (tag in HEADINGS or tag in BLOCKS or tag == "li"):
            yield from self._flush()
        if tag in HEADINGS:
            self.prefix = HEADINGS[tag] + " "
        elif tag == "li":
            self.prefix = "- "
        elif tag == "table":
            self.header_written = False
        elif tag == "tr":
            self.cells = []
        elif tag == "br":
            self.line += " "
        self._text(element.text)

    def _end(self, element: Any) -> Iterator[str]:
        tag = element.tag
        if tag in {"td", "th"} and self.cells is not None:
            self.cells.append(SPACES.sub(" ", self.line).strip().replace("|", "/"))
            self.line = ""
        elif tag == "tr" and self.cells is not None:
            yield from self._row(self.cells)
            self.cells, self.line = None, ""
        elif (tag in HEADINGS or tag in BLOCKS or tag == "li") and self.cells is None:
            yield from self._flush()
            if tag in {"table", "ul", "ol"}:
                yield "\n"
        self._text(element.tail)

    def _row(self, cells: list[str]) -> Iterator[str]:
        if not any(cells):
            return
        yield "| " + " | ".join(cells) + " |\n"
        if not self.header_written:
            self.header_written = True
            yield "|" + " --- |" * len(cells) + "\n"

    def _text(self, text: str | None) -> None:
        if text:
            self.line += text

    def _flush(self) -> Iterator[str]:
        line, prefix = SPACES.sub(" ", self.line).strip(), self.prefix
        self.line, self.prefix = "", ""
        if not line:
            # An item or heading whose text comes in an inner block keeps its mark for that.
            self.prefix = prefix
            return
        yield f"{prefix}{line}\n" if prefix == "- " else f"\n{prefix}{line}\n"


def _is_dropped(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in DROPPED:
        return True
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return element.get("role") in HIDDEN_ROLES
