"""ZIP containers: what is in one, read within limits, and XML parsed without its dangers."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lxml import etree

from knowledge.engine.detect import LOCKED
from knowledge.engine.errors import Unreadable

MOST_ENTRIES = 20_000
MOST_PART_BYTES = 400 * 1024 * 1024
DAMAGED = "This file is damaged. Export it again and send the new file."
TOO_LARGE = "This file unpacks to far more than it seems. Send it in parts."
OOXML = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
MIMETYPES = {
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
}
ENCRYPTED = 0x1
OUT_OF_MEMORY = ("memory", "huge", "limit", "unknown error")
# How the standard library gives up on a ZIP.
UNPACKING = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


class Container:
    """An open ZIP container; `used` counts the bytes unpacked so far."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = frozenset(archive.namelist())
        self.used = 0

    def bytes_of(self, name: str, most: int = MOST_PART_BYTES) -> bytes:
        """A part's bytes, whatever size its entry claims. Raises Unreadable."""
        if name not in self.names:
            raise Unreadable(DAMAGED)
        if self.archive.getinfo(name).flag_bits & ENCRYPTED:
            raise Unreadable(LOCKED)
        with self.archive.open(name) as part:
            data = part.read(most + 1)
        self.used += len(data)
        if len(data) > most or self.used > MOST_PART_BYTES:
            raise Unreadable(TOO_LARGE)
        return data

    def xml(self, name: str) -> Any:
        """The root element of a part."""
        return parse_xml(self.bytes_of(name))

    def xml_or_none(self, name: str) -> Any:
        return self.xml(name) if name in self.names else None


@contextmanager
def opened(path: Path) -> Iterator[Container]:
    """The container at `path`; what is wrong with it becomes Unreadable."""
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MOST_ENTRIES:
                raise Unreadable(TOO_LARGE)
            yield Container(archive)
    except UNPACKING as error:
        raise Unreadable(DAMAGED) from error


def parse_xml(data: bytes) -> Any:
    """The root element. No entity is resolved, nothing is fetched. Raises Unreadable."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        # Out of memory libxml2 has no word for it.
        too_large = any(word in str(error).lower() for word in OUT_OF_MEMORY)
        raise Unreadable(TOO_LARGE if too_large else DAMAGED) from error
    if root.getroottree().docinfo.internalDTD is not None and b"<!ENTITY" in data[:100_000]:
        # No office program writes these; whoever does means no good.
        raise Unreadable("This file is damaged: it defines entities of its own.")
    return root


def format_inside(path: Path, promised: str) -> str:
    """The format of a ZIP container by what is in it, whatever its name promises."""
    with opened(path) as container:
        kind = _kind(container)
    if kind == promised or (kind and promised != "zip"):
        return kind
    if promised == "zip":
        return promised
    raise Unreadable("This file is not of the type that its name says: it is a ZIP of other files.")


def _kind(container: Container) -> str:
    if "mimetype" in container.names:
        declared = container.bytes_of("mimetype", 1000).decode("ascii", errors="replace").strip()
        if found := MIMETYPES.get(declared.removesuffix("-template")):
            return found
    if "META-INF/container.xml" in container.names:
        return "epub"
    if "[Content_Types].xml" in container.names:
        return next((kind for part, kind in OOXML.items() if _has(container, part)), "")
    return ""


def _has(container: Container, folder: str) -> bool:
    return any(name.startswith(folder) for name in container.names)
