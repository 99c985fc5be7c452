"""One turn of a conversation, end to end: open it, retrieve, answer, record.

Opening and recording are short visits to the database on a pooled thread; between them, while the
model speaks, the turn holds neither a thread nor a connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Client
from billing import quota
from billing.models import Kind
from chat.engine.answer import REFUSAL, answer
from chat.engine.cite import Words
from chat.engine.events import Citations, Cited, Delta, Done, Event, Failed, Start, Usage
from chat.engine.extract import Closeness, extract
from chat.engine.llm import ChatModel, ModelError
from chat.engine.passages import Passage, within_budget
from chat.engine.prompt import PASSAGE_CHARACTERS, Manners, Said
from chat.engine.question import Topic, standalone, topic_of
from chat.history import History, history_of
from chat.models import Bot, Citation, Conversation, Message
from chatbot_saas.lib.errors import NotFound
from chatbot_saas.lib.threads import in_thread
from knowledge import retrieve
from knowledge.models import Source

logger = logging.getLogger(__name__)

RETRIEVED = 20
CHARACTERS_A_TOKEN = 4
ABANDONED_SECONDS = 15 * 60  # longer than any answer streams
FAILURES = {
    "model_busy": "I am answering a lot of questions right now. Please try again in a moment.",
    "model_timeout": "The answer took too long. Please try again.",
}
FAILURE = "I cannot answer at the moment. Please try again in a little while."


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom; `visitor` is "" for a client's own program."""

    bot: Bot
    text: str
    visitor: str
    conversation: str | None = None
    page_url: str = ""
    channel: Conversation.Channel = Conversation.Channel.WIDGET
    within: Source | None = None  # ask this source of the bot's alone


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was let in and saved, with the passages found for it."""

    question: str
    conversation: str
    message_id: str
    message_pk: int
    passages: Sequence[Passage]
    topic: Topic
    history: Sequence[Said]
    manners: Manners
    words: Words
    closeness: Closeness
    client: Client

    @property
    def characters(self) -> int:
        """About how much a model is given to read."""
        said = sum(len(one.text) for one in self.history)
        passages = sum(len(one.text) for one in self.passages)
        return len(self.question) + said + min(passages, PASSAGE_CHARACTERS)


def open_turn(question: Question) -> Turn:
    """Save the question, pay for its answer and find passages for it. Blocking.

    Raises NotFound, and QuotaExceeded when the client's answers are used up.
    """
    client = question.bot.client
    conversation = _conversation(question)
    quota.require(client, Kind.ANSWERS, Kind.MODEL_COST)
    history = History() if conversation._state.adding else history_of(conversation)
    base = question.bot.knowledge_base
    words = partial(retrieve.words_of, base)
    asked = standalone(question.text, history.said, words, base.language)
    found = retrieve.search(base, asked, count=RETRIEVED, within=question.within)
    passages = [as_passage(hit) for hit in found.hits]
    with transaction.atomic():
        if conversation._state.adding:
            conversation.save()
        else:
            same = Conversation.objects.filter(pk=conversation.pk)
            same.update(last_message_at=timezone.now())
        said = partial(Message.objects.create, conversation=conversation)
        said(role=Message.Role.VISITOR, text=question.text)
        spent_on = quota.spend(client, Kind.ANSWERS)
        reply_row = said(
            role=Message.Role.BOT,
            state=Message.State.STREAMING,
            spent_on=spent_on,
            drawn_from={**history.drawn_from, **_given(passages, found)},
        )
    return Turn(
        question=question.text,
        conversation=conversation.public_id,
        message_id=reply_row.public_id,
        message_pk=reply_row.pk,
        passages=passages,
        topic=topic_of(question.text, asked, found.rarity, words, base.language),
        history=history.said,
        manners=Manners(question.bot.client.name, question.bot.name, question.bot.instructions),
        words=words,
        closeness=partial(retrieve.closeness, base, asked),
        client=client,
    )


async def reply(turn: Turn, model: ChatModel | None) -> AsyncIterator[Event]:
    """The answer as events, recorded when it has ended, however it ended."""
    record = Record(turn.message_pk, turn.client, model.name if model else "", turn.characters)
    yield Start(turn.conversation, turn.message_id)
    try:
        events = _quoted(turn) if model is None else _spoken(turn, model)
        async for event in events:
            record.note(event)
            if isinstance(event, Done):
                await in_thread(record.save)
            yield event
    except ModelError as error:
        logger.warning("message %s failed: %s", turn.message_id, error)
        record.fail(error.code)
        await in_thread(record.save)
        yield Failed(error.code, FAILURES.get(error.code, FAILURE), error.retry_after)
    finally:
        if not record.saved:
            # The visitor left: what was said so far is kept, by a task that nobody cancels.
            record.stop()
            _in_background(in_thread(record.save))


async def _spoken(turn: Turn, model: ChatModel) -> AsyncIterator[Event]:
    if not turn.passages:
        for event in _refused():
            yield event
        return
    spoken = answer(
        turn.question,
        within_budget(turn.passages, PASSAGE_CHARACTERS),
        history=turn.history,
        manners=turn.manners,
        model=model,
        words=turn.words,
    )
    async for event in spoken:
        yield event


async def _quoted(turn: Turn) -> AsyncIterator[Event]:
    found = await in_thread(extract, turn.passages, turn.topic, turn.words, turn.closeness)
    if found is None:
        for event in _refused():
            yield event
        return
    for piece in _pieces(found.text):
        yield Delta(piece)
    yield Citations(found.cited)
    yield Done(answered=True)


def _refused() -> list[Event]:
    return [Delta(REFUSAL), Done(answered=False)]


def _pieces(text: str, size: int = 80) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@dataclass(slots=True)
class Record:
    """What will stand in the message's row, gathered from the events as they pass."""

    message_pk: int
    client: Client
    model: str
    asked_characters: int = 0
    text: str = ""
    state: str = Message.State.STREAMING
    error: str = ""
    answered: bool | None = None
    usage: Usage = field(default=Usage())
    citations: Sequence[Cited] = ()
    saved: bool = False

    def note(self, event: Event) -> None:
        match event:
            case Delta():
                self.text += event.text
            case Citations():
                self.citations = event.citations
            case Done():
                self.state = Message.State.DONE
                self.answered, self.usage = event.answered, event.usage

    def fail(self, code: str) -> None:
        self.state, self.error = Message.State.FAILED, code

    def stop(self) -> None:
        self.state = Message.State.STOPPED

    def save(self) -> None:
        """Write the row once; a message deleted meanwhile stays deleted."""
        self.saved = True
        with transaction.atomic():
            row = Message.objects.filter(pk=self.message_pk, state=Message.State.STREAMING)
            written = row.update(
                text=self.text,
                state=self.state,
                error=self.error,
                answered=self.answered,
                model=self.model,
                prompt_tokens=self.usage.prompt_tokens,
                completion_tokens=self.usage.completion_tokens,
            )
            if written:
                self._settle()
                Citation.objects.bulk_create(
                    Citation(
                        message_id=self.message_pk,
                        number=cited.number,
                        source_id=cited.source_id,
                        title=cited.title,
                        url=cited.url,
                        page=cited.page,
                        quote=cited.quote,
                        start=cited.start,
                        end=cited.end,
                    )
                    for cited in self.citations
                )

    def _settle(self) -> None:
        """Count what the model cost, and give back what nobody got an answer for."""
        if cost := cost_of(self._used()):
            quota.add(self.client, Kind.MODEL_COST, cost)
        got_nothing = self.state == Message.State.STOPPED and not self.text
        if self.state == Message.State.FAILED or got_nothing:
            give_back(self.message_pk)

    def _used(self) -> Usage:
        """What the model counted; of an answer that was left or broke off, about as much."""
        if not self.model or self.usage != Usage():
            return self.usage
        if not self.text and self.state == Message.State.FAILED:
            return self.usage  # it never came to speak
        return Usage(
            self.asked_characters // CHARACTERS_A_TOKEN, len(self.text) // CHARACTERS_A_TOKEN
        )


def cost_of(usage: Usage) -> int:
    """Millionths of a dollar, by the prices of settings.CHAT_MODEL_PRICES."""
    prompt, completion = settings.CHAT_MODEL_PRICES
    return round(usage.prompt_tokens * prompt + usage.completion_tokens * completion)


def give_back(message_pk: int) -> None:
    """Refund the answer that was paid for with this message."""
    found = Message.objects.values_list("spent_on", "created_at").get(pk=message_pk)
    spent_on, when = found
    if spent_on is not None:
        quota.refund(spent_on, when)


def end_abandoned() -> int:
    """Mark answers as failed whose web process died while they streamed; how many there were."""
    before = timezone.now() - timedelta(seconds=ABANDONED_SECONDS)
    return sum(map(_end, Message.objects.abandoned(before).values_list("pk", flat=True)))


@transaction.atomic
def _end(message_pk: int) -> bool:
    row = Message.objects.filter(pk=message_pk, state=Message.State.STREAMING)
    if not row.update(state=Message.State.FAILED, error="interrupted"):
        return False
    give_back(message_pk)
    return True


_running: set[asyncio.Task[Any]] = set()


def _in_background(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end although its caller is going away; the loop alone would forget it."""
    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)


def _conversation(question: Question) -> Conversation:
    """The visitor's own conversation, or a new one that is not saved yet."""
    if not question.conversation:
        return Conversation(
            bot=question.bot,
            visitor=question.visitor,
            channel=question.channel,
            page_url=question.page_url[:500],
        )
    own = Conversation.objects.filter(bot=question.bot, visitor=question.visitor)
    found = own.select_related("bot").filter(public_id=question.conversation).first()
    if found is None:
        raise NotFound("unknown_conversation", "There is no conversation of this id.")
    return found


def _given(passages: Sequence[Passage], found: retrieve.Found) -> dict[str, int]:
    """The sources that the answer is made from, with their versions."""
    versions = {hit.source_id: hit.version for hit in found.hits}
    given = within_budget(passages, PASSAGE_CHARACTERS)
    return {one.source_id: versions[one.source_id] for one in given}


def as_passage(hit: retrieve.Hit) -> Passage:
    return Passage(
        source_id=hit.source_id,
        title=hit.title,
        url=hit.url,
        heading=hit.heading,
        text=hit.text,
        pages=hit.pages,
        start=hit.start,
        score=hit.score,
        bonus=hit.bonus,
        is_answer=hit.is_answer,
    )
