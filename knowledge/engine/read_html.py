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
PREFIXES = {f"h{level}": "#" * level + " " for level in range(1, 7)} | {"li": "- "}
_BLOCKS = """
p div section article main ul ol table blockquote pre figure dl dt dd tr header footer address
details summary hr
"""
BLOCKS = frozenset(_BLOCKS.split()) | PREFIXES.keys()
SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")


def html_to_markdown(data: bytes) -> tuple[str, str]:
    """Title and Markdown text of a page. Raises Unreadable when it has no content."""
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = html.document_fromstring(_without_declaration(decode(data)).encode(), parser=parser)
    except etree.ParserError as error:  # nothing but comments
        raise Unreadable("There is no text in this page.") from error
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
        self.parts: list[str] = []  # of the line; adding to a string would copy it each time
        self.prefix = ""
        self.cells: list[str] | None = None  # of the row, within a row
        self.only_labels = False
        self.header_written = False

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
        if tag in BLOCKS:
            yield from self._break()
        if tag == "table":
            yield from self._open_table()
        elif tag == "tr":
            self.cells, self.only_labels = [], True
        elif tag == "br":
            self._text(" ")
        elif self.cells is None:
            self.prefix = PREFIXES.get(tag, self.prefix)
        self._text(element.text)

    def _end(self, element: Any) -> Iterator[str]:
        tag = element.tag
        if tag in {"td", "th"}:
            self._close_cell(tag)
        elif tag == "tr" and self.cells is not None:
            yield from self._row(self.cells, is_header=self._is_header(element))
            self.cells = None
            self.parts.clear()
        elif tag in BLOCKS:
            yield from self._break()
            if tag in PREFIXES:
                self.prefix = ""  # of an empty one: not the mark of what follows
            if tag in {"table", "ul", "ol"} and self.cells is None:
                yield "\n"
        self._text(element.tail)

    def _break(self) -> Iterator[str]:
        """Blocks stand on lines of their own; within a cell there is only one line."""
        if self.cells is None:
            yield from self._flush()
        else:
            self._text(" ")

    def _open_table(self) -> Iterator[str]:
        """A table within a cell ends the row around it; what follows there becomes text."""
        if self.cells is not None:
            yield from self._row([*self.cells, self._taken_cell()], is_header=False)
            self.cells = None
        self.header_written = False

    def _close_cell(self, tag: str) -> None:
        if self.cells is None:
            self._text(" ")
            return
        self.cells.append(self._taken_cell())
        self.only_labels = self.only_labels and tag == "th"

    def _is_header(self, row: Any) -> bool:
        return self.only_labels or row.getparent().tag == "thead"

    def _row(self, cells: list[str], *, is_header: bool) -> Iterator[str]:
        if not any(cells):
            return
        row = "| " + " | ".join(cells) + " |\n"
        rule = "|" + " --- |" * len(cells) + "\n"
        if self.header_written:
            yield row
        elif is_header:
            yield row + rule
        else:
            # Markdown has no table without a header, and data must not become one.
            yield "|" + "  |" * len(cells) + "\n" + rule + row
        self.header_written = True

    def _text(self, text: str | None) -> None:
        if text:
            self.parts.append(text)

    def _taken(self) -> str:
        line = SPACES.sub(" ", "".join(self.parts)).strip()
        self.parts.clear()
        return line

    def _taken_cell(self) -> str:
        return self._taken().replace("|", "/")

    def _flush(self) -> Iterator[str]:
        line = self._taken()
        if not line:
            return  # an item or heading whose text comes in an inner block keeps its mark for that
        prefix, self.prefix = self.prefix, ""
        yield f"{prefix}{line}\n" if prefix == "- " else f"\n{prefix}{line}\n"


def _is_dropped(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in DROPPED:
        return True
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return element.get("role") in HIDDEN_ROLES
