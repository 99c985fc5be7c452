"""An answer from a model, as events: grounded, its marks checked, its refusals recognised."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from chat.engine.cite import CitationFilter, Words, cited
from chat.engine.events import Citations, Delta, Done, Event, Usage
from chat.engine.llm import ChatModel, Finish, ModelBroken
from chat.engine.passages import Passage
from chat.engine.prompt import NO_ANSWER, Manners, Said, messages

REFUSAL = (
    "I could not find an answer to that in the information I have. "
    "Could you put it differently, or contact the team directly?"
)


async def answer(
    question: str,
    passages: Sequence[Passage],
    *,
    history: Sequence[Said],
    manners: Manners,
    model: ChatModel,
    words: Words,
) -> AsyncIterator[Event]:
    """Delta events as the model speaks, then Citations and Done. Raises ModelError."""
    marks, opening = CitationFilter(len(passages)), Opening()
    text, finish = "", Finish("stop", Usage())
    async for piece in model.stream(messages(question, passages, history, manners)):
        if isinstance(piece, Finish):
            finish = piece
            continue
        shown = marks.feed(opening.feed(piece))
        if shown:
            text += shown
            yield Delta(shown)
    rest = marks.feed(opening.flush()) + marks.flush()
    if not (text + rest).strip():
        if not opening.refused:
            raise ModelBroken(f"{model.name}: an empty answer")
        rest = REFUSAL
    if rest:
        text += rest
        yield Delta(rest)
    if not opening.refused:
        yield Citations(cited(text, passages, marks.numbers, words))
    yield Done(not opening.refused, finish.reason, finish.usage)


AROUND_MARK = ' .:\n*`"'


class Opening:
    """Holds the first words back until it is clear whether they are the mark of a refusal."""

    def __init__(self) -> None:
        self.refused = False
        self._decided = False
        self._trim = False
        self._held = ""

    def feed(self, text: str) -> str:
        if self._decided:
            return self._trimmed(text)
        self._held += text
        start = self._held.lstrip(AROUND_MARK)
        if NO_ANSWER.startswith(start) and start != NO_ANSWER:
            return ""
        return self._decide(start)

    def flush(self) -> str:
        return "" if self._decided else self._decide(self._held.strip())

    def _decide(self, start: str) -> str:
        self._decided = True
        self.refused = self._trim = start.startswith(NO_ANSWER)
        return self._trimmed(start.removeprefix(NO_ANSWER)) if self.refused else self._held

    def _trimmed(self, text: str) -> str:
        if not self._trim:
            return text
        text = text.lstrip(AROUND_MARK)
        self._trim = not text
        return text
