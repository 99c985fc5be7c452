"""What the pages of a PDF repeat: running headers, footers, page numbers. It is left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from knowledge.engine.pdf_lines import Line

EDGE_LINES = 3  # of a page's top and of its bottom: where headers and footers stand
LEAST_REPEATS = 3
SHARE_OF_PAGES = 0.25
SAME_PLACE = 4.0  # points
# The number of a page, also beside a running title; not the numbers that a text is about.
NUMBER = r"(?:\d{1,5}|[ivxlc]{1,6})"
OF_PAGE = re.compile(
    rf"^\W*{NUMBER}\b|\b{NUMBER}\W*$|\b(?:page|seite|página|pagina|p\.|s\.)\s*{NUMBER}\b"
    rf"|\b{NUMBER}\s*(?:of|von|de|sur|di|/)\s*{NUMBER}\b"
)
NAMED_PAGE = re.compile(
    rf"\W*(?:page|seite|página|pagina)\s*{NUMBER}(?:\s*(?:of|von|de|sur|di|/)\s*\d{{1,5}})?\W*",
    re.IGNORECASE,
)
PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|página|pagina|p\.|s\.)?\s*(?:\d{1,5}|[ivxlc]{1,6})"
    r"(?:\s*(?:of|von|de|sur|di|/)\s*\d{1,5})?\W*",
    re.IGNORECASE,
)


def without_repeats(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Pages without running headers, footers and page numbers.

    A page of nothing else keeps what is its own: a ticket's number may be all that it says.
    """
    seen: Counter[tuple[str, int]] = Counter()
    edges = [_edges(page) for page in pages]
    for found in edges:
        seen.update({_place(line) for line in found})
    exact = Counter(text for page in pages for text in {line.text for line in page})
    least = max(LEAST_REPEATS, int(len(pages) * SHARE_OF_PAGES))
    kept = []
    for page, found in zip(pages, edges, strict=True):
        repeated = {id(line) for line in found if _times(seen, line) >= least}
        repeated |= {id(line) for line in found if NAMED_PAGE.fullmatch(line.text)}
        repeated |= {id(line) for line in _outermost(page) if PAGE_NUMBER.fullmatch(line.text)}
        left = [line for line in page if id(line) not in repeated]
        kept.append(left or [line for line in page if exact[line.text] < least])
    return kept


def _edges(page: list[Line]) -> list[Line]:
    ordered = sorted(page, key=lambda line: -line.top)
    return ordered[:EDGE_LINES] + ordered[EDGE_LINES:][-EDGE_LINES:]


def _outermost(page: list[Line]) -> list[Line]:
    if len(page) < 2:
        return []
    return [max(page, key=lambda line: line.top), min(page, key=lambda line: line.bottom)]


def without_numbers(text: str) -> str:
    """What a line says on every page, though each has a number of its own."""
    return OF_PAGE.sub("#", text.lower())


def _place(line: Line) -> tuple[str, int]:
    return without_numbers(line.text), round(line.bottom / SAME_PLACE)


def _times(seen: Counter[tuple[str, int]], line: Line) -> int:
    words, place = _place(line)
    return max(seen[words, place + step] for step in (-1, 0, 1))
