"""A question and its answer as the text of a source: the answer, under the question."""

from __future__ import annotations

from itertools import islice

from knowledge.engine.document import ReadText
from knowledge.engine.sandbox import Reading
from knowledge.engine.split import split


def reading_of(question: str, answer: str, *, skip: int = 0) -> Reading:
    """The answer's passages, without the first `skip`, each with the question as its heading.

    So the question is embedded and searched with each of them, and a quotation is of the answer.
    """
    pieces = islice(split(ReadText(answer, title=question)), skip, None)
    return Reading(question, "", len(answer), False, pieces)
