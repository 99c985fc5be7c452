"""What the formats of Office have in common: relations between parts, and the title."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from knowledge.engine.container import Container

RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def relations(container: Container, part: str) -> dict[str, str]:
    """Id to target of a part's relations: the name of another part, or an address outside."""
    return {name: target for name, target, _ in typed_relations(container, part)}


def typed_relations(container: Container, part: str) -> Iterator[tuple[str, str, str]]:
    """Id, target and the last word of the type."""
    folder, name = posixpath.split(part)
    root = container.xml_or_none(posixpath.join(folder, "_rels", f"{name}.rels"))
    for one in root.iter(RELATION) if root is not None else ():
        target = one.get("Target", "")
        if one.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        yield one.get("Id", ""), target, one.get("Type", "").rpartition("/")[2]


def core_title(container: Container) -> str:
    root = container.xml_or_none("docProps/core.xml")
    return (root.findtext(f".//{DC_TITLE}") or "") if root is not None else ""
