"""Sitemaps: lists of pages, and lists of such lists (sitemaps.org)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from gzip import GzipFile
from itertools import chain, islice
from typing import IO

from lxml import etree

from knowledge.engine.errors import Unreadable
from knowledge.engine.web.urls import normal

MEGABYTE = 1024 * 1024
# As sitemaps.org says.
MOST_BYTES = 50 * MEGABYTE  # of a sitemap, unpacked
MOST_ENTRIES = 50_000

MOST_ELEMENTS = 1_000_000
MOST_LINES = 1_000_000
MOST_PLACE_CHARACTERS = 4000  # escaped, with blanks around it
CHUNK = 64 * 1024
GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Sitemap:
    """Normal addresses, each once, in the order of the file."""

    pages: Sequence[str] = ()
    maps: Sequence[str] = ()


def read_sitemap(file: IO[bytes], url: str) -> Sitemap:
    """A sitemap found at `url`: XML, or plain text with an address on each line; packed or not.

    It is read in chunks, and only its addresses are kept. What is beyond the limits is not read.
    Nothing that it names is loaded: no entities, no definitions. Raises Unreadable.
    """
    chunks = _unpacked(file)
    first = next(chunks, b"").removeprefix(BOM)
    chunks = chain([first], chunks)
    if first.lstrip().startswith(b"<"):
        return _of_xml(chunks, url)
    return Sitemap(pages=_normal(islice(_lines(chunks), MOST_LINES), url))


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """The first MOST_BYTES of the content, in chunks."""
    is_packed = file.read(len(GZIP)) == GZIP
    file.seek(0)
    content: GzipFile | IO[bytes] = GzipFile(fileobj=file) if is_packed else file
    left = MOST_BYTES
    try:
        while left > 0 and (chunk := content.read(CHUNK)):
            yield chunk
            left -= len(chunk)
    except EOFError:
        return  # cut off: what came before is as good as ever
    except (OSError, zlib.error) as error:
        raise Unreadable("This sitemap is damaged.") from error


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", errors="replace")
        rest = rest[:CHUNK]  # so long a line is no address
    yield rest.decode("utf-8", errors="replace")


def _of_xml(chunks: Iterable[bytes], url: str) -> Sitemap:
    """Without a tree: of a million elements that say nothing one would fill the memory."""
    entries = _Entries()
    parser = etree.XMLParser(
        target=entries,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
        huge_tree=False,
    )
    try:
        for chunk in chunks:
            parser.feed(chunk)
            if entries.is_full:
                break
        else:
            parser.close()
    except etree.XMLSyntaxError as error:
        if not entries.pages and not entries.maps:
            raise Unreadable("This sitemap is damaged.") from error
    return Sitemap(pages=_normal(entries.pages, url), maps=_normal(entries.maps, url))


class _Entries:
    """What the parser calls; keeps the <loc> of each <url> and <sitemap>, and not those of the
    pictures within."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.maps: list[str] = []
        self.elements = 0
        self._depth = 0
        self._entry: tuple[list[str], int] | None = None  # where its place belongs, and its depth
        self._place: list[str] | None = None  # of the open <loc>
        self._room = 0

    @property
    def is_full(self) -> bool:
        is_long = len(self.pages) + len(self.maps) >= MOST_ENTRIES
        return is_long or self.elements >= MOST_ELEMENTS

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.elements += 1
        self._depth += 1
        name = tag.rpartition("}")[2]
        if self._entry is None and name in {"url", "sitemap"}:
            self._entry = (self.maps if name == "sitemap" else self.pages, self._depth)
        elif self._entry is not None and name == "loc" and self._depth == self._entry[1] + 1:
            self._place, self._room = [], MOST_PLACE_CHARACTERS

    def data(self, text: str) -> None:
        if self._place is not None and self._room > 0:
            self._place.append(text[: self._room])
            self._room -= len(text)

    def end(self, tag: str) -> None:
        if self._entry is not None and self._place is not None:
            self._entry[0].append("".join(self._place))
            self._place = None
        elif self._entry is not None and self._depth == self._entry[1]:
            self._entry = None
        self._depth -= 1

    def close(self) -> None:
        """The parser asks for a result; `pages` and `maps` hold it."""


def _normal(places: Iterable[str], base: str) -> Sequence[str]:
    named = (place for place in places if place.strip())
    found = (normal(place, base) for place in islice(named, MOST_ENTRIES))
    return tuple(dict.fromkeys(one for one in found if one))
