"""HTML to simple Markdown: the content, without navigation, forms and scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

from lxml import etree, html

from knowledge.engine.errors import Unreadable
from knowledge.engine.joined import as_utf8
from knowledge.engine.links import linked
from knowledge.engine.page_code import code_of
from knowledge.engine.page_content import content_of, unread_in
from knowledge.engine.page_parts import is_dropped, question_around
from knowledge.engine.read_text import HEAD_BYTES, decode, decode_as

PREFIXES = {f"h{level}": "#" * level + " " for level in range(1, 7)} | {"li": "- "}
ITEM = re.compile(r" *(?:-|\d+\.) ")
CHARSET = re.compile(rb"<meta\s[^<>]*?charset=[\"']?([\w-]+)", re.I)
MARKS = re.compile(r"</(?:p|div|span|li|h[1-6]|table|a|b|strong|em|i|u)\s*>|<br\s*/?>", re.I)
MOST_INDENT = 8
MOST_SPAN = 50
_BLOCKS = """
p div section article main ul ol table blockquote pre figure dl dt dd tr header footer address
details summary hr aside form fieldset legend
"""
BLOCKS = frozenset(_BLOCKS.split()) | PREFIXES.keys()
LISTS = frozenset({"ul", "ol"})
SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")


def html_to_markdown(data: bytes, *, whole: bool = False) -> tuple[str, str]:
    """Title and Markdown text of a page. Raises Unreadable when it has no content.

    A `whole` page is all content: a chapter or a letter, that no site surrounds.
    """
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = html.document_fromstring(
            _without_declaration(_decoded(data)).encode(), parser=parser
        )
    except etree.ParserError as error:  # nothing but comments
        raise Unreadable("There is no text in this page.") from error
    title = SPACES.sub(" ", root.findtext(".//title") or "").strip()
    body = root.find("body")
    if body is None:
        raise Unreadable("There is no text in this page.")
    address = _address(root)
    if whole:
        return title, _written(body, unread_in(body), address)
    text = _written(*content_of(body), address)
    return title, text if text.strip() else _written(*content_of(body, sparing=True), address)


def without_marks(value: str) -> str:
    """A value of a table or a record, as shops and help desks export them: often HTML."""
    if "<" not in value or not MARKS.search(value):
        return value
    try:
        return html_to_markdown(value.encode(errors="replace"), whole=True)[1]
    except Unreadable:
        return ""


def _written(main: Any, around: set[Any], address: str) -> str:
    return "".join(_Writer(address, around).lines(main))


def _address(root: Any) -> str:
    """Where the page says it stands: what its relative links are relative to."""
    for path, name in (("base", "href"), ("link[@rel='canonical']", "href")):
        found = root.find(f".//{path}")
        if found is not None and (found.get(name) or "").startswith(("http://", "https://")):
            return str(found.get(name))
    return ""


def _decoded(data: bytes) -> str:
    """What is valid UTF-8 is that, whatever it says: but for Japanese in the bytes of ASCII."""
    found = CHARSET.search(data[:HEAD_BYTES])
    said = found[1].decode().lower() if found else ""
    if said.startswith("iso-2022") or (said and as_utf8(data)[2]):
        return decode_as(data, said)
    return decode(data)


def _without_declaration(text: str) -> str:
    return re.sub(r"^\s*<\?xml[^>]*>", "", text)


def _is_block(element: Any) -> bool:
    """A button is one where it stands alone, as the question above its answer."""
    if element.tag == "button":
        return question_around(element) is None
    return element.tag in BLOCKS


class _Writer:
    """Walks the tree without recursion: a hostile page may be nested a hundred thousand deep."""

    def __init__(self, address: str, around: set[Any]) -> None:
        self.address = address
        self.around = around
        self.lists: list[int | None] = []  # the open ones; of a numbered one its last number
        self.link: tuple[str, int] | None = None  # the open one's target, and where it began
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
            if event == "start" and (is_dropped(element) or element in self.around):
                skipping = element
                continue
            if event == "start" and element.tag == "pre" and self.cells is None:
                yield from self._code(element)
                skipping = element
                continue
            yield from self._start(element) if event == "start" else self._end(element)
        yield from self._flush()

    def _start(self, element: Any) -> Iterator[str]:
        tag = element.tag
        if _is_block(element):
            yield from self._break()
        if tag in LISTS:
            self.lists.append(0 if tag == "ol" else None)
        if tag == "a" and self.link is None:
            self.link = (element.get("href") or "", len(self.parts))
        if tag == "table":
            yield from self._open_table()
        elif tag == "tr":
            self.cells, self.only_labels = [], True
        elif tag == "br":
            self._text(" ")
        elif self.cells is None:
            self.prefix = self._item() if tag == "li" else PREFIXES.get(tag, self.prefix)
        self._text(element.text)

    def _end(self, element: Any) -> Iterator[str]:
        tag = element.tag
        if tag == "a":
            self._close_link()
        elif tag in {"td", "th"}:
            self._close_cell(element)
        elif tag == "tr" and self.cells is not None:
            yield from self._row(self.cells, is_header=self._is_header(element))
            self.cells = None
            self.parts.clear()
        elif _is_block(element):
            yield from self._break()
            if tag in PREFIXES:
                self.prefix = ""  # of an empty one: not the mark of what follows
            if tag in LISTS and self.lists:
                self.lists.pop()
            if tag in {"table", *LISTS} and self.cells is None and not self.lists:
                yield "\n"
        self._text(element.tail)

    def _code(self, pre: Any) -> Iterator[str]:
        yield from self._flush()
        code = code_of(pre, self.around)
        if "\n" in code:
            yield f"\n{code}\n"
            return
        self._text(code)
        yield from self._flush()

    def _item(self) -> str:
        indent = "  " * min(len(self.lists) - 1, MOST_INDENT)
        if not self.lists or (number := self.lists[-1]) is None:
            return f"{indent}- "
        self.lists[-1] = number + 1
        return f"{indent}{number + 1}. "

    def _close_link(self) -> None:
        """Put the target behind the words, where these stand on one line."""
        if self.link is None:
            return
        (target, begin), self.link = self.link, None
        if target and not target.startswith("#") and begin < len(self.parts):
            words = SPACES.sub(" ", "".join(self.parts[begin:]))
            absolute = urljoin(self.address, target) if self.address else target
            self.parts[begin:] = [linked(words, absolute)]

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

    def _close_cell(self, cell: Any) -> None:
        if self.cells is None:
            self._text(" ")
            return
        span = cell.get("colspan") or ""
        wide = min(int(span), MOST_SPAN) if span.isascii() and span.isdigit() else 1
        self.cells += [self._taken_cell(), *[""] * (wide - 1)]
        self.only_labels = self.only_labels and cell.tag == "th"

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
        self.link = self.link and (self.link[0], 0)  # its words go on upon the next line
        return line

    def _taken_cell(self) -> str:
        return self._taken().replace("|", "/")

    def _flush(self) -> Iterator[str]:
        line = self._taken()
        if not line:
            return  # an item or heading whose text comes in an inner block keeps its mark for that
        prefix, self.prefix = self.prefix, ""
        yield f"{prefix}{line}\n" if ITEM.fullmatch(prefix) else f"\n{prefix}{line}\n"
