"""What kinds of part a web page has, known by tag, role and the names that its maker gave."""

from __future__ import annotations

import re
from enum import Enum, auto
from itertools import islice
from typing import Any

_DROPPED = """
script style noscript template svg math iframe object nav select input textarea dialog canvas
audio video head
"""
DROPPED = frozenset(_DROPPED.split())
HIDDEN_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "dialog", "menu"})
# Names that the most common programs for sites give to what surrounds a text.
_SURROUNDINGS = """
skip-link skiplink skip-to-content mw-jump-link sr-only visually-hidden screen-reader-text
breadcrumb breadcrumbs navbox catlinks mw-editsection interlanguage-link noprint toc-container
table-of-contents tableOfContents pagination pager share-buttons social-share sharedaddy
related-posts site-footer site-header sidebar vector-menu vector-dropdown printfooter mw-hidden
material-icons material-symbols-outlined material-symbols-rounded a-offscreen
"""
SURROUNDINGS = frozenset(_SURROUNDINGS.split())
SPOKEN_ONLY = frozenset({"sr-only", "visually-hidden", "screen-reader-text", "a-offscreen"})
CONSENT = re.compile(r"cookie|consent|gdpr|onetrust|didomi|usercentrics", re.I)
BANNER = re.compile(r"banner|notice|bar\b|popup|modal|overlay|dialog|consent|message|prompt", re.I)
NOTE = re.compile(r"admonition|callout|\b(?:note|tip|hint|warning|caution|important)\b", re.I)
BESIDE = re.compile(
    r"sidebar|widget|related|recommend|\btoc\b|share|social|promo|advert|newsletter|banner", re.I
)
QUESTIONS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary"})
MOST_LEVELS = 4  # between a heading and the button in it


class Part(Enum):
    """What may be no content; its weight, place and neighbours tell."""

    BANNER = auto()  # that asks for consent
    HIDDEN = auto()
    FORM = auto()
    ASIDE = auto()
    NAMED = auto()  # as something that surrounds a text
    BUTTON = auto()


def is_dropped(element: Any) -> bool:
    """Whether it holds nothing to read, on whatever page."""
    if not isinstance(element.tag, str) or element.tag in DROPPED:
        return True
    return element.get("role") in HIDDEN_ROLES


def is_main(element: Any) -> bool:
    return "main" in (element.tag, element.get("role"))


def names_of(element: Any) -> str:
    return f"{element.get('class') or ''} {element.get('id') or ''}"


def is_surrounding(names: str) -> bool:
    return not SURROUNDINGS.isdisjoint(names.split())


def is_spoken_only(names: str) -> bool:
    return not SPOKEN_ONLY.isdisjoint(names.split())


def is_banner(names: str) -> bool:
    return bool(CONSENT.search(names) and BANNER.search(names))


def is_note(names: str) -> bool:
    """As programs for documentation name their tips and warnings."""
    return bool(NOTE.search(names))


def stands_beside(names: str) -> bool:
    return bool(BESIDE.search(names)) or is_surrounding(names)


def question_around(element: Any) -> Any:
    """The heading, or the like, that an element stands in; None if it stands in none."""
    above = islice(element.iterancestors(), MOST_LEVELS)
    return next((one for one in above if one.tag in QUESTIONS), None)
