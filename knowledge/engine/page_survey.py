"""How much text and how many links each part of a web page holds, by one walk over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from knowledge.engine.page_hidden import controlled_by, is_hidden
from knowledge.engine.page_parts import (
    Part,
    is_banner,
    is_dropped,
    is_main,
    is_surrounding,
    names_of,
)

_BLOCKS = "h1 h2 h3 h4 h5 h6 p li dt table main article"
BLOCKS = frozenset(_BLOCKS.split())
TOPS = frozenset({"main", "h1"})
PARTS = {"button": Part.BUTTON, "form": Part.FORM, "aside": Part.ASIDE}
WHOLE_PAGES = frozenset({"html", "body", "main", "article"})


@dataclass(slots=True)
class Weight:
    """Letters in an element, those in links, those in what may be no content; links and blocks."""

    letters: int = 0
    linked: int = 0
    doubtful: int = 0
    links: int = 0
    blocks: int = 0
    tops: int = 0

    @property
    def told(self) -> int:
        """Letters that are no links: of a menu none."""
        return self.letters - self.linked

    @property
    def sure(self) -> int:
        return self.letters - self.doubtful

    def add(self, other: Weight, *, is_doubtful: bool) -> None:
        self.letters += other.letters
        self.linked += other.linked
        self.doubtful += other.letters if is_doubtful else other.doubtful
        self.links += other.links
        self.blocks += other.blocks
        self.tops += other.tops


@dataclass(slots=True)
class Survey:
    weights: dict[Any, Weight] = field(default_factory=dict)
    parts: dict[Any, Part] = field(default_factory=dict)  # what may be no content
    labels: list[Any] = field(default_factory=list)  # of the fields of forms
    in_articles: set[Any] = field(default_factory=set)  # asides and footers
    in_mains: set[Any] = field(default_factory=set)  # the same
    controlled: set[str] = field(default_factory=set)  # ids of what is opened by something
    by_id: dict[str, Any] = field(default_factory=dict)


def survey_of(body: Any) -> Survey:
    """From the leaves up: summing for each element anew would take forever."""
    walk = _Walk()
    skipping: Any = None
    for event, element in etree.iterwalk(body, events=("start", "end")):
        if skipping is not None:
            if event == "end" and element is skipping:
                skipping = None
                walk.count(element.tail)
        elif event == "end":
            walk.leave(element)
        elif element is not body and walk.is_skipped(element):
            skipping = element
        else:
            walk.enter(element)
    return walk.survey


class _Walk:
    def __init__(self) -> None:
        self.survey = Survey()
        self.open: list[Weight] = []
        self.forms = 0  # around the place where we are
        self.articles = 0
        self.mains = 0

    def is_skipped(self, element: Any) -> bool:
        if self.forms and element.tag == "label":
            self.survey.labels.append(element)
            return True
        return is_dropped(element)

    def enter(self, element: Any) -> None:
        self.open.append(Weight(letters=_size(element.text)))
        self._pass(element, 1)
        if element.tag in {"aside", "footer"}:
            if self.articles:
                self.survey.in_articles.add(element)
            if self.mains:
                self.survey.in_mains.add(element)
        if element.keys():
            self._note_names(element)
        if part := _part(element):
            self.survey.parts[element] = part

    def _pass(self, element: Any, step: int) -> None:
        if element.tag == "form":
            self.forms += step
        elif element.tag == "article":
            self.articles += step
        elif is_main(element):
            self.mains += step

    def _note_names(self, element: Any) -> None:
        if name := element.get("id"):
            self.survey.by_id.setdefault(name, element)
        self.survey.controlled.update(controlled_by(element))

    def leave(self, element: Any) -> None:
        weight = self.open.pop()
        self._pass(element, -1)
        if element.tag == "a" and element.get("href"):
            weight.letters = weight.linked = weight.sure  # not the arrow of an icon font in it
            weight.doubtful, weight.links = 0, 1
        weight.blocks += element.tag in BLOCKS
        weight.tops += element.tag in TOPS
        self.survey.weights[element] = weight
        part = self.survey.parts.get(element)
        if self.open and part is not Part.BUTTON:
            self.open[-1].add(weight, is_doubtful=part is not None)
        self.count(element.tail)

    def count(self, text: str | None) -> None:
        if self.open:
            self.open[-1].letters += _size(text)


def _part(element: Any) -> Part | None:
    if not element.keys():
        return PARTS.get(element.tag)
    names = "" if element.tag in WHOLE_PAGES else names_of(element)
    if is_banner(names):
        return Part.BANNER
    if is_hidden(element):
        return Part.HIDDEN
    if element.tag not in PARTS and is_surrounding(names):
        return Part.NAMED
    return PARTS.get(element.tag)


def _size(text: str | None) -> int:
    return len(text.strip()) if text else 0
