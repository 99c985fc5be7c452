"""EPUB: the chapters in the order of the book's spine, each read as a page of the web is."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from knowledge.engine.container import DAMAGED, Container, opened
from knowledge.engine.detect import LOCKED
from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.read_html import html_to_markdown

OPF = "{http://www.idpf.org/2007/opf}"
DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"
ROOTFILE = "{urn:oasis:names:tc:opendocument:xmlns:container}rootfile"
FONTS_ONLY = (b"idpf.org/2008/embedding", b"ns.adobe.com/pdf/enc")


def read_epub(path: Path) -> Draft:
    with opened(path) as container:
        if _is_locked(container):
            raise Unreadable(LOCKED)
        root = container.xml("META-INF/container.xml").find(f".//{ROOTFILE}")
        if root is None:
            raise Unreadable(DAMAGED)
        name = root.get("full-path", "")
        package = container.xml(name)
        title = package.findtext(f".//{DC_TITLE}") or ""
        return Draft(list(_chapters(container, package, posixpath.dirname(name))), title=title)


def _is_locked(container: Container) -> bool:
    """Books with copy protection say so; scrambled fonts alone do no harm."""
    name = "META-INF/encryption.xml"
    if name not in container.names:
        return False
    data = container.bytes_of(name)
    return data.count(b"EncryptionMethod") > sum(data.count(one) for one in FONTS_ONLY)


def _chapters(container: Container, package: Any, folder: str) -> Iterator[str]:
    items = {one.get("id"): one for one in package.iter(f"{OPF}item")}
    for reference in package.iter(f"{OPF}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or "nav" in (item.get("properties") or "").split():
            continue
        part = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        if part not in container.names or "html" not in (item.get("media-type") or ""):
            continue
        try:
            yield html_to_markdown(container.bytes_of(part), whole=True)[1]
        except Unreadable:
            continue  # a cover that is only a picture
