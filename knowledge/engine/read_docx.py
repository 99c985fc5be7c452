"""Word: paragraphs, headings, lists with their numbers, tables, links, notes, text boxes.

Read from the parts themselves by lxml: the libraries tried lose numbered lists, text boxes,
equations or link targets (docs/decisions/reading.md), and unpack every picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knowledge.engine.container import DAMAGED, Container, opened
from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.links import linked
from knowledge.engine.office import core_title, relations
from knowledge.engine.tables import markdown_table

Notes = dict[tuple[str, str], str]  # by their kind and id

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# Deleted text, the twin of what stands before it, notes to the author, codes of fields.
LEFT_OUT = {f"{W}del", f"{W}moveFrom", f"{MC}Fallback", f"{W}instrText", f"{W}pPr", f"{W}rPr"}
BREAKS = {f"{W}tab": " ", f"{W}br": " ", f"{W}cr": " ", f"{W}noBreakHyphen": "-"}
NOTES = ("footnote", "endnote")
REFERENCES = {f"{W}{kind}Reference": kind for kind in NOTES}
TITLE_STYLES = {"title": 1, "subtitle": 0}
BOX = f"{W}txbxContent"
WRAPPERS = {f"{W}sdt", f"{W}sdtContent", f"{W}ins", f"{W}customXml"}


@dataclass
class Styles:
    """What the style sheet and the list definitions say."""

    headings: dict[str, int] = field(default_factory=dict)  # style id: level
    listed: frozenset[str] = frozenset()
    numbered: frozenset[tuple[str, str]] = frozenset()  # list id and level with numbers
    counts: dict[tuple[str, str], int] = field(default_factory=dict)


def read_docx(path: Path) -> Draft:
    with opened(path) as container:
        main = _main_part(container)
        body = container.xml(main).find(f"{W}body")
        if body is None:
            raise Unreadable(DAMAGED)
        writer = Writer(_styles(container), relations(container, main), _notes(container))
        return Draft(["\n\n".join(writer.blocks(body))], title=core_title(container))


def _main_part(container: Container) -> str:
    found = relations(container, "")
    ends = ("document.xml", "document2.xml")
    return next((part for part in found.values() if part.endswith(ends)), "word/document.xml")


def _styles(container: Container) -> Styles:
    styles = Styles()
    root = container.xml_or_none("word/styles.xml")
    listed = set()
    for style in root.iter(f"{W}style") if root is not None else ():
        style_id = style.get(f"{W}styleId", "")
        name = _value(style.find(f"{W}name")).lower()
        outline = _value(style.find(f"{W}pPr/{W}outlineLvl"))
        if name.startswith("heading ") and name[8:].isdigit():
            styles.headings[style_id] = int(name[8:])
        elif name in TITLE_STYLES:
            styles.headings[style_id] = TITLE_STYLES[name]
        elif outline.isdigit() and int(outline) < 9:
            styles.headings[style_id] = int(outline) + 1
        if style.find(f"{W}pPr/{W}numPr") is not None or name.startswith("list"):
            listed.add(style_id)
    styles.listed = frozenset(listed)
    styles.numbered = frozenset(_numbered(container.xml_or_none("word/numbering.xml")))
    return styles


def _numbered(root: Any) -> Iterator[tuple[str, str]]:
    if root is None:
        return
    formats = {
        (one.get(f"{W}abstractNumId"), level.get(f"{W}ilvl")): _value(level.find(f"{W}numFmt"))
        for one in root.iter(f"{W}abstractNum")
        for level in one.iter(f"{W}lvl")
    }
    for number in root.iter(f"{W}num"):
        abstract = _value(number.find(f"{W}abstractNumId"))
        for (name, level), kind in formats.items():
            if name == abstract and kind not in {"bullet", "none"}:
                yield number.get(f"{W}numId", ""), level or "0"


def _notes(container: Container) -> Notes:
    return {
        (kind, note.get(f"{W}id", "")): " ".join(
            "".join(t.text or "" for t in note.iter(f"{W}t")).split()
        )
        for kind in NOTES
        if (root := container.xml_or_none(f"word/{kind}s.xml")) is not None
        for note in root.iter(f"{W}{kind}")
    }


def _value(element: Any) -> str:
    return element.get(f"{W}val", "") if element is not None else ""


class Writer:
    def __init__(
        self, styles: Styles, links: dict[str, str], notes: dict[tuple[str, str], str]
    ) -> None:
        self.styles = styles
        self.links = links
        self.notes = notes

    def blocks(self, parent: Any) -> Iterator[str]:
        """Paragraphs and tables; the items of a list without blank lines between them."""
        items = list[str]()
        for element in self._elements(parent):
            if element.tag == f"{W}tbl":
                text, is_item = self._table(element), False
            else:
                text, is_item = self._paragraph(element), self._item(element)
            if is_item and text:
                items.append(text)
                continue
            if items and text:
                yield "\n".join(items)
                items = []
            if text:
                yield text
        if items:
            yield "\n".join(items)

    def _elements(self, parent: Any) -> Iterator[Any]:
        """In order, also those within content controls; text boxes behind their paragraph."""
        waiting = list(reversed(list(parent)))
        while waiting:
            element = waiting.pop()
            if element.tag in {f"{W}p", f"{W}tbl"}:
                yield element
            if element.tag == f"{W}p":
                boxes = [b for b in element.iter(BOX) if not _within(b, f"{MC}Fallback", element)]
                waiting.extend(child for box in reversed(boxes) for child in reversed(list(box)))
            elif element.tag in WRAPPERS:
                waiting.extend(reversed(list(element)))

    def _item(self, paragraph: Any) -> bool:
        return (
            paragraph.find(f"{W}pPr/{W}numPr") is not None
            or self._style(paragraph) in self.styles.listed
        )

    def _style(self, paragraph: Any) -> str:
        return _value(paragraph.find(f"{W}pPr/{W}pStyle"))

    def _paragraph(self, paragraph: Any) -> str:
        text = " ".join("".join(self._runs(paragraph)).split())
        if not text:
            return ""
        level = self.styles.headings.get(self._style(paragraph), 0)
        if level:
            return "#" * min(level, 6) + " " + text
        return self._mark(paragraph) + text if self._item(paragraph) else text

    def _mark(self, paragraph: Any) -> str:
        numbering = paragraph.find(f"{W}pPr/{W}numPr")
        if numbering is None:
            return "- "
        level = _value(numbering.find(f"{W}ilvl")) or "0"
        key = (_value(numbering.find(f"{W}numId")), level)
        if key[0] == "0":
            return ""
        indent = "  " * min(int(level) if level.isdigit() else 0, 8)
        if key not in self.styles.numbered:
            return f"{indent}- "
        counts = self.styles.counts
        counts[key] = counts.get(key, 0) + 1
        for other in [one for one in counts if one[0] == key[0] and one[1] > level]:
            del counts[other]  # a deeper list begins anew below the next item
        return f"{indent}{counts[key]}. "

    def _runs(self, parent: Any) -> Iterator[str]:
        """The text of a paragraph in order; links around their words."""
        waiting = [(child, "") for child in reversed(list(parent))]
        link, words = "", list[str]()
        while waiting:
            element, target = waiting.pop()
            if target != link:
                yield linked("".join(words), link)
                link, words = target, []
            if element.tag in {f"{W}t", f"{M}t"}:
                words.append(element.text or "")
            elif element.tag in BREAKS:
                words.append(BREAKS[element.tag])
            elif kind := REFERENCES.get(element.tag):
                note = self.notes.get((kind, element.get(f"{W}id", "")), "")
                words.append(f" ({note})" if note else "")
            elif element.tag == f"{W}hyperlink":
                target = self.links.get(element.get(f"{R}id", ""), "")
                waiting.extend((child, target) for child in reversed(list(element)))
            elif element.tag not in LEFT_OUT and element.tag != BOX:
                waiting.extend((child, target) for child in reversed(list(element)))
        yield linked("".join(words), link)

    def _table(self, table: Any) -> str:
        rows, above = list[list[str]](), list[str]()
        for row in _own(table, f"{W}tr"):
            cells = list[str]()
            for cell in _own(row, f"{W}tc"):
                merged = cell.find(f"{W}tcPr/{W}vMerge")
                own = (p for p in cell.iter(f"{W}p") if not _within(p, f"{MC}Fallback", cell))
                text = " ".join(filter(None, map(self._paragraph, own)))
                if merged is not None and _value(merged) != "restart" and len(above) > len(cells):
                    text = above[len(cells)]  # the cell above reaches down to this row
                span = _value(cell.find(f"{W}tcPr/{W}gridSpan"))
                wide = min(int(span), 100) if span.isdigit() else 1
                cells += [text.removeprefix("- "), *[""] * (wide - 1)]
            rows.append(cells)
            above = cells
        return markdown_table([row for row in rows if any(row)])


def _own(parent: Any, tag: str) -> Iterator[Any]:
    """Children of this tag, also those within content controls, but not of inner tables."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag == f"{W}sdt":
            yield from child.iterfind(f"{W}sdtContent/{tag}")


def _within(element: Any, tag: str, top: Any) -> bool:
    while element is not None and element is not top:
        if element.tag == tag:
            return True
        element = element.getparent()
    return False
