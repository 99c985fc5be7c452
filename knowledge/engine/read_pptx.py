"""PowerPoint: each slide a page, with its title, text, tables, charts' figures and notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowledge.engine.container import Container, opened
from knowledge.engine.document import Draft
from knowledge.engine.links import linked
from knowledge.engine.office import core_title, relations, typed_relations
from knowledge.engine.tables import markdown_table

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
TITLES = {"title", "ctrTitle"}
REPEATED = {"ftr", "sldNum", "dt", "hdr"}  # what stands on every slide
MAIN = "ppt/presentation.xml"


def read_pptx(path: Path) -> Draft:
    with opened(path) as container:
        parts = relations(container, MAIN)
        root = container.xml(MAIN)
        names = [parts.get(one.get(f"{R}id", ""), "") for one in root.iter(f"{P}sldId")]
        slides = [_slide(container, name) for name in names if name in container.names]
        return Draft(slides, title=core_title(container), paged=True)


def _slide(container: Container, name: str) -> str:
    root = container.xml(name)
    if root.get("show") == "0":
        return ""
    related = list(typed_relations(container, name))
    links = {key: target for key, target, _ in related}
    blocks = list(_blocks(container, root, links))
    title = next((text for kind, text in blocks if kind == "title"), "")
    body = [text for kind, text in blocks if kind != "title" and text]
    notes = [_notes(container, target) for _, target, kind in related if kind == "notesSlide"]
    return "\n\n".join([f"## {title}" if title else "", *body, *filter(None, notes)]).strip()


def _blocks(container: Container, root: Any, links: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Kind and text of the slide's shapes, also of those within groups, in their order."""
    waiting = list(reversed(list(root.iterfind(f".//{P}spTree/*"))))
    while waiting:
        shape = waiting.pop()
        if shape.tag in {f"{P}grpSp", f"{MC}AlternateContent", f"{MC}Choice"}:
            waiting.extend(reversed(list(shape)))
        elif shape.tag == f"{P}graphicFrame":
            yield from (("table", _table(one, links)) for one in shape.iter(f"{A}tbl"))
            charts = (links.get(one.get(f"{R}id", ""), "") for one in shape.iter(f"{C}chart"))
            yield from (("chart", _chart(container, part)) for part in charts)
            drawn = (links.get(one.get(f"{R}dm", ""), "") for one in shape.iter(f"{DGM}relIds"))
            yield from (("drawing", _smart_art(container, part)) for part in drawn)
        elif shape.tag == f"{P}sp":
            holder = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
            kind = holder.get("type", "body") if holder is not None else ""
            if kind in TITLES:
                yield "title", " ".join(_paragraphs(shape, links))
            elif kind not in REPEATED:
                yield kind, _text(shape, links)


def _text(shape: Any, links: dict[str, str]) -> str:
    """One paragraph stays text; several of a placeholder are the points of a list."""
    lines = list(_paragraphs(shape, links))
    if len(lines) < 2 or shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph") is None:
        return "\n\n".join(lines)
    levels = [
        int(level) if (level := _level(one)).isdigit() else 0
        for one in shape.iter(f"{A}p")
        if "".join(_runs(one, links)).strip()
    ]
    return "\n".join(f"{'  ' * min(n, 8)}- {line}" for n, line in zip(levels, lines, strict=True))


def _level(paragraph: Any) -> str:
    properties = paragraph.find(f"{A}pPr")
    return properties.get("lvl", "0") if properties is not None else "0"


def _paragraphs(shape: Any, links: dict[str, str]) -> Iterator[str]:
    for paragraph in shape.iter(f"{A}p"):
        if text := " ".join("".join(_runs(paragraph, links)).split()):
            yield text


def _runs(paragraph: Any, links: dict[str, str]) -> Iterator[str]:
    for run in paragraph:
        if run.tag == f"{A}br":
            yield " "
        elif run.tag in {f"{A}r", f"{A}fld"}:
            link = run.find(f"{A}rPr/{A}hlinkClick")
            target = links.get(link.get(f"{R}id", ""), "") if link is not None else ""
            yield linked(run.findtext(f"{A}t") or "", target)


def _table(table: Any, links: dict[str, str]) -> str:
    rows = [
        [" ".join(_paragraphs(cell, links)) for cell in row.iterfind(f"{A}tc")]
        for row in table.iterfind(f"{A}tr")
    ]
    return markdown_table([row for row in rows if any(row)])


def _chart(container: Container, part: str) -> str:
    """The figures behind a chart: a row for each category, a column for each series."""
    root = container.xml_or_none(part)
    if root is None:
        return ""
    columns = [("Category", _points(root.find(f".//{C}ser/{C}cat")))]
    for series in root.iter(f"{C}ser"):
        name = " ".join(_points(series.find(f"{C}tx"))) or "Value"
        columns.append((name, _points(series.find(f"{C}val"))))
    longest = max(len(points) for _, points in columns)
    filled = [[name, *points, *[""] * (longest - len(points))] for name, points in columns]
    title = " ".join("".join(t.text or "" for t in root.iterfind(f".//{C}title//{A}t")).split())
    return f"{title}\n\n{markdown_table(list(zip(*filled, strict=True)))}".strip()


def _smart_art(container: Container, part: str) -> str:
    """The words in a drawing of boxes and arrows, box by box."""
    root = container.xml_or_none(part)
    boxes = root.iter(f"{DGM}pt") if root is not None else ()
    texts = (" ".join(_paragraphs(box, {})) for box in boxes)
    return "\n".join(f"- {text}" for text in texts if text)


def _points(parent: Any) -> list[str]:
    return [one.text or "" for one in parent.iter(f"{C}v")] if parent is not None else []


def _notes(container: Container, part: str) -> str:
    root = container.xml_or_none(part)
    if root is None:
        return ""
    bodies = [
        shape
        for shape in root.iter(f"{P}sp")
        if (holder := shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")) is not None
        and holder.get("type") == "body"
    ]
    text = " ".join(line for shape in bodies for line in _paragraphs(shape, {}))
    return f"Notes: {text}" if text else ""
