"""What a question and an answer must be, wherever they come from: a form, a program, a file."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot_saas.lib.errors import BadRequest
from knowledge.engine.read_text import tidy
from knowledge.models import Faq, question_key
from knowledge.models.faqs import MOST_CATEGORY_CHARACTERS, MOST_QUESTION_CHARACTERS

MOST_ANSWER_CHARACTERS = 10_000
MOST_FAQS = 2_000  # of a knowledge base

PRIORITIES = {one.name.lower(): one for one in Faq.Priority}


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and an answer that can be taken, tidy."""

    question: str
    answer: str
    category: str = ""
    priority: Faq.Priority = Faq.Priority.NORMAL

    @property
    def key(self) -> str:
        return question_key(self.question)


def checked(
    question: str,
    answer: str,
    category: str = "",
    priority: Faq.Priority = Faq.Priority.NORMAL,
) -> Pair:
    """The pair in the form in which it is kept. Raises BadRequest, whose code names the field."""
    pair = Pair(_one_line(question), tidy(answer).strip(), _one_line(category), priority)
    _require_words("question", pair.question, MOST_QUESTION_CHARACTERS)
    _require_words("answer", pair.answer, MOST_ANSWER_CHARACTERS)
    if len(pair.category) > MOST_CATEGORY_CHARACTERS:
        raise _too_long("category", MOST_CATEGORY_CHARACTERS)
    return pair


def priority_named(name: str) -> Faq.Priority:
    """low, normal or high, in any capitals; nothing means normal. Raises BadRequest."""
    try:
        return PRIORITIES[name.strip().lower() or "normal"]
    except KeyError:
        raise BadRequest("priority", "The priority is low, normal or high.") from None


def _require_words(field: str, text: str, most: int) -> None:
    if not text:
        raise BadRequest(field, f"The {field} is missing.")
    if not any(letter.isalnum() for letter in text):
        raise BadRequest(field, f"There is no word in the {field}.")
    if len(text) > most:
        raise _too_long(field, most)


def _too_long(field: str, most: int) -> BadRequest:
    return BadRequest(field, f"The {field} has more than {most:,} letters.")


def _one_line(text: str) -> str:
    return " ".join(tidy(text).split())
