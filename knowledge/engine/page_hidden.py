"""What of a web page is hidden, and which of that is an answer folded below its question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from knowledge.engine.page_parts import QUESTIONS, is_spoken_only, names_of, question_around

HIDING_STYLE = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
HIDING_CLASSES = frozenset({"d-none", "hidden", "hide", "is-hidden", "w-condition-invisible"})
# Shown on wide screens, or once it is opened: d-md-block, md:flex, group-open:block.
SHOWN_AT_TIMES = re.compile(
    r"\bd-(?:sm|md|lg|xl|xxl)-(?!none)|\S:(?:block|flex|grid|table|inline|contents)"
)
FOLDED = re.compile(
    r"accordion|collaps|toggle|fold|expand|faq|question|answer|reveal|\bmore\b|\btab", re.I
)
OPENER = re.compile(r"accordion|collapsible|faq|question", re.I)
OVERLAY = re.compile(
    r"modal|popup|dialog|overlay|menu|\bnav|dropdown|offcanvas|drawer|toast|tooltip|alert|error"
    r"|success|loading|spinner",
    re.I,
)
WORD = re.compile(r"\w")
FOLDED_ROLES = frozenset({"region", "tabpanel"})
OPENING_ROLES = frozenset({"button", "tab"})
BOXES = frozenset({"div", "section", "article", "dd", "p", "ul", "ol", "li", "table"})
CONTROLS = ("aria-controls", "data-bs-target", "data-target", "data-accordion-target", "href")
NEIGHBOUR_PARTS = 10
PIECES_READ = 20
MOST_LEVELS = 2


def is_hidden(element: Any) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    style = element.get("style")
    if style and HIDING_STYLE.search(style) and "animation" not in style:
        return True
    names = element.get("class")
    if not names or HIDING_CLASSES.isdisjoint(names.split()):
        return False
    return not SHOWN_AT_TIMES.search(names)


def controlled_by(element: Any) -> Iterator[str]:
    """The ids of what a button, tab or link opens or leads to."""
    for name in CONTROLS:
        for target in (element.get(name) or "").split():
            if name == "aria-controls" or target.startswith("#"):
                yield target.removeprefix("#")


def is_folded(element: Any, controlled: set[str]) -> bool:
    """Whether it is hidden only until somebody opens it, as answers of a FAQ are."""
    if element.tag not in BOXES or question_around(element) is not None:
        return False
    names = names_of(element)
    if OVERLAY.search(names):
        return False
    if element.get("hidden") == "until-found" or element.get("role") in FOLDED_ROLES:
        return True
    if element.get("id") in controlled or FOLDED.search(names):
        return True
    return _stands_below_an_opener(element)


def is_said_otherwise(element: Any) -> bool:
    """Whether people see it, and only who listens to the page gets other words for it."""
    if element.get("aria-hidden") != "true":
        return False
    beside = (element.getprevious(), element.getnext())
    if not any(one is not None and is_spoken_only(names_of(one)) for one in beside):
        return False
    return any(map(WORD.search, islice(element.itertext(), PIECES_READ)))


def may_open(button: Any) -> bool:
    """Whether a button, outside of any heading, looks like the question above a folded answer."""
    names = f"{names_of(button)} {names_of(button.getparent())}"
    if OVERLAY.search(names) or button.get("role") == "tab":
        return False
    return button.get("aria-expanded") is not None or bool(OPENER.search(names))


def next_box(button: Any) -> Any:
    """The box that comes behind a button, or behind what holds the button alone; None if none."""
    for _ in range(MOST_LEVELS):
        below = button.getnext()
        if below is not None:
            return below if below.tag in BOXES else None
        button = button.getparent()
        if button is None:
            return None
    return None


def _stands_below_an_opener(element: Any) -> bool:
    for _ in range(MOST_LEVELS):
        above = element.getprevious()
        if above is not None:
            return any(_is_opener(one) for one in islice(above.iter(), NEIGHBOUR_PARTS))
        element = element.getparent()
        if element is None:
            return False
    return False


def _is_opener(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag == "h1":
        return False
    if element.tag in QUESTIONS or element.tag == "button":
        return True
    return element.get("aria-expanded") is not None or element.get("role") in OPENING_ROLES
