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
    speech, finish = Speech(len(passages)), Finish("stop", Usage())
    async for piece in model.stream(messages(question, passages, history, manners)):
        if isinstance(piece, Finish):
            finish = piece
        elif shown := speech.hear(piece):
            yield Delta(shown)
    if rest := speech.end():
        yield Delta(rest)
    if not speech.text.strip():
        raise ModelBroken(f"{model.name}: an empty answer")
    if not speech.refused:
        yield Citations(cited(speech.text, passages, speech.numbers, words))
    yield Done(not speech.refused, finish.reason, finish.usage)


class Speech:
    """What the visitor gets to see of a model's text: no mark of refusal, no false citation."""

    def __init__(self, passages: int) -> None:
        self.text = ""
        self._opening = Opening()
        self._marks = CitationFilter(passages)

    @property
    def refused(self) -> bool:
        return self._opening.refused

    @property
    def numbers(self) -> dict[int, int]:
        return self._marks.numbers

    def hear(self, piece: str) -> str:
        """What can be shown after this piece."""
        return self._shown(self._opening.feed(piece))

    def end(self) -> str:
        """What was still held back; a refusal without words of its own gets ours."""
        rest = self._shown(self._opening.flush())
        last = self._marks.flush()
        if self.refused and not (self.text + last).strip():
            last = REFUSAL
        self.text += last
        return rest + last

    def _shown(self, spoken: str) -> str:
        if self.refused:
            self._marks.passages = 0  # a refusal rests on none of them
        shown = self._marks.feed(spoken)
        self.text += shown
        return shown


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
