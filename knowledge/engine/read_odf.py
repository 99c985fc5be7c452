"""OpenDocument texts and slides (ODT, ODP): read from content.xml by lxml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowledge.engine.container import DAMAGED, Container, opened
from knowledge.engine.detect import LOCKED
from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.links import linked
from knowledge.engine.tables import markdown_table

NS = "urn:oasis:names:tc:opendocument:xmlns:"
TEXT, TABLE, OFFICE, DRAW, PRESENTATION = (
    f"{{{NS}{name}:1.0}}" for name in ("text", "table", "office", "drawing", "presentation")
)
XLINK = "{http://www.w3.org/1999/xlink}href"
DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"
LEFT_OUT = {
    f"{TEXT}tracked-changes",
    f"{OFFICE}annotation",
    f"{TEXT}note-citation",
    f"{OFFICE}forms",
    f"{TEXT}sequence-decls",
    f"{TEXT}table-of-content",
}
SPACES = {f"{TEXT}s": " ", f"{TEXT}tab": " ", f"{TEXT}line-break": " "}
MOST_REPEATS = 100


def read_odf(path: Path) -> Draft:
    with opened(path) as container:
        if _is_locked(container):
            raise Unreadable(LOCKED)
        body = container.xml("content.xml").find(f"{OFFICE}body")
        if body is None:
            raise Unreadable(DAMAGED)
        slides = list(body.iter(f"{DRAW}page"))
        parts = [_joined(_blocks(one)) for one in slides or [body]]
        return Draft(parts, title=_title(container), paged=bool(slides))


def _is_locked(container: Container) -> bool:
    name = "META-INF/manifest.xml"
    return name in container.names and b"encryption-data" in container.bytes_of(name)


def _title(container: Container) -> str:
    root = container.xml_or_none("meta.xml")
    return (root.findtext(f".//{DC_TITLE}") or "") if root is not None else ""


def _joined(blocks: Iterator[str]) -> str:
    text, item_before = "", False
    for block in blocks:
        is_item = block.lstrip().startswith("- ")
        text += ("\n" if is_item and item_before else "\n\n") + block
        item_before = is_item
    return text


def _blocks(top: Any) -> Iterator[str]:
    """Headings, paragraphs, items and tables in order, without recursion."""
    waiting = [(child, 0) for child in reversed(list(top))]
    while waiting:
        element, depth = waiting.pop()
        tag = element.tag
        if tag in LEFT_OUT or not isinstance(tag, str):
            continue
        if tag == f"{TABLE}table":
            yield _table(element)
        elif tag in {f"{TEXT}h", f"{TEXT}p"}:
            text = " ".join("".join(_runs(element)).split())
            if text:
                yield _mark(element, depth) + text
            frames = list(element.iter(f"{DRAW}text-box"))
            waiting.extend((child, 0) for one in reversed(frames) for child in reversed(list(one)))
        else:
            deeper = depth + (tag == f"{TEXT}list")
            waiting.extend((child, deeper) for child in reversed(list(element)))


def _mark(element: Any, depth: int) -> str:
    if element.tag == f"{TEXT}h":
        level = element.get(f"{TEXT}outline-level", "1")
        return "#" * min(max(int(level) if level.isdigit() else 1, 1), 6) + " "
    if _is_title(element):
        return "## "
    return "  " * min(depth - 1, 8) + "- " if depth else ""


def _is_title(element: Any) -> bool:
    """Of a slide: the frame around it says so."""
    frame = element.getparent().getparent() if element.getparent() is not None else None
    return frame is not None and frame.get(f"{PRESENTATION}class") == "title"


def _runs(parent: Any) -> Iterator[str]:
    """The text of a paragraph in order, links around their words."""
    yield parent.text or ""
    waiting = list(reversed(list(parent)))
    while waiting:
        element = waiting.pop()
        if isinstance(element, str):
            yield element
            continue
        waiting.append(element.tail or "")
        if element.tag in SPACES:
            yield SPACES[element.tag]
        elif element.tag == f"{TEXT}a":
            words = "".join(t for t in element.itertext())
            yield linked(words, element.get(XLINK, ""))
        elif element.tag == f"{TEXT}note-body":
            yield f" ({' '.join(''.join(element.itertext()).split())})"
        elif element.tag not in LEFT_OUT and element.tag != f"{DRAW}text-box":
            waiting.extend(reversed(list(element)))
            yield element.text or ""


def _table(table: Any) -> str:
    rows = list[list[str]]()
    for row in table.iter(f"{TABLE}table-row"):
        cells = list[str]()
        for cell in row:
            if cell.tag not in {f"{TABLE}table-cell", f"{TABLE}covered-table-cell"}:
                continue
            text = " ".join("".join(_runs(p)) for p in cell.iter(f"{TEXT}p", f"{TEXT}h"))
            times = cell.get(f"{TABLE}number-columns-repeated", "1")
            cells += [text] * (min(int(times), MOST_REPEATS) if times.isdigit() else 1)
        rows.append(cells)
    return markdown_table([row for row in rows if any(row)])
