"""Which of the addresses that a site names belong to what its owner wants read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

from knowledge.engine.web.urls import is_page, site_of

# Of pages that programs make without end.
MOST_SEGMENTS = 12
MOST_PARAMETERS = 5
MOST_QUERIES_PER_PATH = 30
MOST_DATES_PER_SHAPE = 24
DATE_PARAMETER = re.compile(
    r"(?:^|[_-])(?:date|day|month|year|week|cal|calendar|tribe-bar-date)(?:$|[_-])", re.IGNORECASE
)
NUMBER = re.compile(r"\d+")
DATE_SEGMENT = re.compile(r"\d{4}|\d{4}-\d{1,2}(?:-\d{1,2})?")


@dataclass(frozen=True, slots=True)
class Scope:
    """`include` and `exclude` are patterns of paths such as /help/*; no `include` means all."""

    root: str
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def takes(self, url: str) -> bool:
        """Whether a normal address is one of a page of this site that is wanted."""
        if site_of(url) != site_of(self.root) or not is_page(url) or is_trap(url):
            return False
        path = _path_of(url)
        if self.include and not any(_matches(path, pattern) for pattern in self.include):
            return False
        return not any(_matches(path, pattern) for pattern in self.exclude)


def is_trap(url: str) -> bool:
    """Whether an address looks like one of those that links make longer and longer."""
    parts = urlsplit(url)
    segments = [part for part in parts.path.split("/") if part]
    if len(segments) > MOST_SEGMENTS or len(parse_qsl(parts.query)) > MOST_PARAMETERS:
        return True
    return _repeats(segments)


def _repeats(segments: list[str]) -> bool:
    """/a/b/a/b/a: relative links that were meant otherwise; one word twice is common."""
    if any(count >= 3 for count in Counter(segments).values()):
        return True
    pairs = Counter(pairwise(segments))
    return any(count >= 2 for count in pairs.values())


class Variants:
    """How many addresses of the same shape there are already: of calendars one year is enough.

    Counts what it is told of; `allows` says whether one more makes sense.
    """

    def __init__(self, urls: Iterable[str] = ()) -> None:
        self._paths = Counter[str]()
        self._dates = Counter[str]()
        for url in urls:
            self.add(url)

    def add(self, url: str) -> None:
        if urlsplit(url).query:
            self._paths[_bare(url)] += 1
        if shape := _date_shape(url):
            self._dates[shape] += 1

    def allows(self, url: str) -> bool:
        if urlsplit(url).query and self._paths[_bare(url)] >= MOST_QUERIES_PER_PATH:
            return False
        shape = _date_shape(url)
        return not shape or self._dates[shape] < MOST_DATES_PER_SHAPE


def _bare(url: str) -> str:
    return url.partition("?")[0]


def _date_shape(url: str) -> str:
    """The address with # for its numbers, if it is one of a day, a month or a year; else ""."""
    parts = urlsplit(url)
    last = [part for part in parts.path.split("/") if part][-1:]
    in_query = any(DATE_PARAMETER.search(name) for name, _ in parse_qsl(parts.query))
    in_path = any(DATE_SEGMENT.fullmatch(part) for part in parts.path.split("/"))
    if in_query or (in_path and last and NUMBER.sub("", last[0]).strip("-") == ""):
        return NUMBER.sub("#", url)
    return ""


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _matches(path: str, pattern: str) -> bool:
    """As in robots.txt: from the start of the path, * for anything, $ for the end.

    Piece by piece and not as a regular expression: a pattern of many stars would take for ever.
    """
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for part in rest:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if not pattern.endswith("$"):
        return True
    last = rest[-1] if rest else first
    return path.endswith(last) and len(path) - len(last) >= at - len(last)
