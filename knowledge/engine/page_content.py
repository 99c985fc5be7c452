"""What of a web page is its content: not the navigation, the banner of cookies, the footer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

_DROPPED = """
script style noscript template svg math iframe object nav aside form button select input
textarea dialog canvas audio video head
"""
DROPPED = frozenset(_DROPPED.split())
HIDDEN_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "dialog", "menu"})
# Names that the most common programs for sites give to what surrounds a text.
_SURROUNDINGS = """
skip-link skiplink skip-to-content mw-jump-link sr-only visually-hidden screen-reader-text
breadcrumb breadcrumbs navbox catlinks mw-editsection interlanguage-link noprint toc-container
    table-of-contents tableOfContents pagination pager share-buttons social-share sharedaddy
related-posts site-footer site-header sidebar vector-menu vector-dropdown printfooter mw-hidden
"""
SURROUNDINGS = frozenset(_SURROUNDINGS.split())
CONSENT = re.compile(r"cookie|consent|gdpr|onetrust|didomi|usercentrics", re.I)
BANNER = re.compile(r"banner|notice|bar\b|popup|modal|overlay|dialog|consent|message|prompt", re.I)
LEAST_LINKS = 8
LINKS_SHARE = 0.85
SHORT_LINK = 25
MAIN_SHARE = 0.4


@dataclass(slots=True)
class _Weight:
    """Letters in an element, letters in its links, and how many links."""

    letters: int = 0
    linked: int = 0
    links: int = 0

    def add(self, other: _Weight) -> None:
        self.letters += other.letters
        self.linked += other.linked
        self.links += other.links


def is_dropped(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in DROPPED:
        return True
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return element.get("role") in HIDDEN_ROLES


def is_surrounding(element: Any) -> bool:
    """Whether its name says that it stands around the text."""
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    if names == " " or element.tag in {"body", "html", "main", "article"}:
        return False
    if not SURROUNDINGS.isdisjoint(names.split()):
        return True
    return bool(CONSENT.search(names) and BANNER.search(names))


def content_of(body: Any) -> tuple[Any, set[Any]]:
    """The element that holds the text, and the elements in it that only surround the text."""
    weights = _weights(body)
    main = _main(body, weights)
    total = weights[main].letters
    around = set()
    for element in main.iter("ul", "ol", "footer"):
        weight = weights.get(element)
        if weight is None:
            continue
        if element.tag in {"ul", "ol"}:
            if _is_menu(weight) and weight.letters < total * 0.5:
                around.add(element)
        elif main.tag == "body" and not _in_article(element) and weight.letters < total * 0.3:
            around.add(element)
    return main, around


def _weights(body: Any) -> dict[Any, _Weight]:
    """By one walk from the leaves up: summing for each element anew would take forever."""
    weights: dict[Any, _Weight] = {}
    stack: list[_Weight] = []
    skipping: Any = None
    for event, element in etree.iterwalk(body, events=("start", "end")):
        if skipping is not None:
            if event == "end" and element is skipping:
                skipping = None
                _count(stack, element.tail)
            continue
        if event == "start":
            if stack and is_dropped(element):
                skipping = element
                continue
            stack.append(_Weight(letters=_size(element.text)))
            continue
        weight = stack.pop()
        if element.tag == "a" and element.get("href"):
            weight.linked, weight.links = weight.letters, 1
        weights[element] = weight
        if stack:
            stack[-1].add(weight)
            _count(stack, element.tail)
    return weights


def _count(stack: list[_Weight], text: str | None) -> None:
    if stack:
        stack[-1].letters += _size(text)


def _size(text: str | None) -> int:
    return len(text.strip()) if text else 0


def _main(body: Any, weights: dict[Any, _Weight]) -> Any:
    """The one element that says it is the main one, if it holds a good part of the page."""
    for found in (
        [one for one in weights if one.tag == "main" or one.get("role") == "main"],
        [one for one in weights if one.tag == "article"],
    ):
        if len(found) == 1 and weights[found[0]].letters >= weights[body].letters * MAIN_SHARE:
            return found[0]
    return body


def _is_menu(weight: _Weight) -> bool:
    """Many short links and hardly anything else."""
    if weight.links < LEAST_LINKS:
        return False
    return weight.linked > weight.letters * LINKS_SHARE and (
        weight.linked / weight.links < SHORT_LINK
    )


def _in_article(element: Any) -> bool:
    return any(one.tag in {"article", "main"} for one in element.iterancestors())
