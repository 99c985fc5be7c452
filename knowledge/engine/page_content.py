"""What of a web page is its content: not the navigation, the banner of cookies, the footer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from knowledge.engine.page_hidden import (
    controlled_by,
    is_folded,
    is_said_otherwise,
    may_open,
    next_box,
)
from knowledge.engine.page_parts import (
    Part,
    is_main,
    is_note,
    names_of,
    question_around,
    stands_beside,
)
from knowledge.engine.page_survey import Survey, Weight, survey_of

LEAST_LINKS = 8
LINKS_SHARE = 0.85
SHORT_LINK = 25
MAIN_SHARE = 0.4
MENU_SHARE = 0.5
FORM_SHARE = 0.3
FOOTER_SHARE = 0.3
WRAPPER_SHARE = 0.5
LEAST_BLOCKS = 2  # of what may be taken for a whole page
SPARED = frozenset({Part.FORM, Part.ASIDE, Part.HIDDEN})
UNSEEN = frozenset({Part.HIDDEN, Part.BUTTON})


def content_of(body: Any, *, sparing: bool = False) -> tuple[Any, set[Any]]:
    """The element that holds the text, and the elements in it that are not to be read.

    `sparing` leaves little out: for a page of which else nothing would be left.
    """
    survey = survey_of(body)
    main = _main(body, survey.weights)
    judge = _Judge(survey, main, sparing=sparing)
    around = {element for element, part in survey.parts.items() if not judge.keeps(element, part)}
    return main, around.union(survey.labels, judge.menus_and_footers())


def unread_in(body: Any) -> set[Any]:
    """What is not to be read of a body that is all content: what is hidden, and its buttons."""
    survey = survey_of(body)
    judge = _Judge(survey, body)
    doubted = ((one, part) for one, part in survey.parts.items() if part in UNSEEN)
    return {element for element, part in doubted if not judge.keeps(element, part)}


class _Judge:
    """Tells what may be content by what it weighs, where it stands and what stands beside it."""

    def __init__(self, survey: Survey, main: Any, *, sparing: bool = False) -> None:
        self.survey = survey
        self.main = main
        self.sparing = sparing
        self.total = survey.weights[main]
        # Beside articles an aside in the main part belongs to the site.
        self.has_articles = main.tag != "body" and main.find(".//article") is not None

    def keeps(self, element: Any, part: Part) -> bool:
        weight = self.survey.weights.get(element, Weight())
        if element is self.main:
            return True
        if part is Part.BUTTON:
            return self._is_question(element, weight)
        if part is Part.BANNER:
            return weight.tops > 0
        if self.sparing and part in SPARED:
            return weight.blocks > 0
        if part is Part.FORM:
            return weight.blocks > 0 and self._is_much(weight, FORM_SHARE)
        if part is Part.HIDDEN and self._is_seen(element, weight):
            return True
        if part is Part.ASIDE and self._is_note(element, weight):
            return True
        return weight.blocks >= LEAST_BLOCKS and self._is_much(weight, WRAPPER_SHARE)

    def menus_and_footers(self) -> Iterator[Any]:
        for element in self.main.iter("ul", "ol", "footer"):
            weight = self.survey.weights.get(element)
            if weight is None:
                continue
            share = weight.letters / (self.total.letters or 1)
            if element.tag != "footer":
                if _is_menu(weight) and share < MENU_SHARE:
                    yield element
            elif self._is_of_site(element) and share < FOOTER_SHARE:
                yield element

    def _is_of_site(self, footer: Any) -> bool:
        if self.main.tag != "body" or footer in self.survey.in_articles:
            return False
        return footer not in self.survey.in_mains

    def _is_much(self, weight: Weight, share: float) -> bool:
        """Whether it is, rather than surrounds, the text of the page."""
        return weight.told > self.total.told * share

    def _is_seen(self, element: Any, weight: Weight) -> bool:
        if _is_mostly_links(weight):
            return False
        return is_folded(element, self.survey.controlled) or is_said_otherwise(element)

    def _is_question(self, button: Any, weight: Weight) -> bool:
        heading = question_around(button)
        if heading is not None:
            return weight.letters > self.survey.weights[heading].letters
        return may_open(button) and any(
            answer.letters and not _is_mostly_links(answer) for answer in self._opened_by(button)
        )

    def _opened_by(self, button: Any) -> Iterator[Weight]:
        boxes = [self.survey.by_id.get(one) for one in controlled_by(button)] or [next_box(button)]
        for box in boxes:
            if box is not None and box in self.survey.weights:
                yield self.survey.weights[box]

    def _is_note(self, aside: Any, weight: Weight) -> bool:
        """Tips and warnings stand within the text, what leads elsewhere beside it."""
        names = names_of(aside)
        if _is_mostly_links(weight) or stands_beside(names):
            return False
        if is_note(names):
            return True
        if aside in self.survey.in_articles:
            return True
        return aside in self.survey.in_mains and not self.has_articles


def _main(body: Any, weights: dict[Any, Weight]) -> Any:
    """The one element that says it is the main one, if it holds a good part of the page."""
    for found in (
        [one for one in weights if is_main(one)],
        [one for one in weights if one.tag == "article"],
    ):
        if len(found) == 1 and weights[found[0]].letters >= weights[body].sure * MAIN_SHARE:
            return found[0]
    return body


def _is_menu(weight: Weight) -> bool:
    """Many short links and hardly anything else."""
    if weight.links < LEAST_LINKS:
        return False
    return weight.linked > weight.letters * LINKS_SHARE and (
        weight.linked / weight.links < SHORT_LINK
    )


def _is_mostly_links(weight: Weight) -> bool:
    return weight.linked > weight.letters * 0.5
