"""The playground: ask as a visitor would, and see the passages that the answer is made from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

from asgiref.sync import sync_to_async
from django import forms
from django.conf import settings
from django.db import connections
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from accounts import limits
from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from billing import gate
from chat.conversation import Question, Turn, open_turn, reply
from chat.cors import json_body
from chat.engine.events import Event, on_the_wire
from chat.engine.extract import READ_PASSAGES
from chat.engine.llm import ChatModel
from chat.engine.passages import Passage, within_budget
from chat.engine.prompt import PASSAGE_CHARACTERS
from chat.model import chat_model
from chat.models import Bot, BotQuerySet, Conversation
from chatbot_saas.lib import sse
from chatbot_saas.lib.errors import BadRequest, CallerError, NotFound
from knowledge.models import Source


class AskForm(forms.Form):
    bot = forms.CharField(max_length=40)
    message = forms.CharField(max_length=settings.MAX_QUESTION_CHARACTERS)
    conversation = forms.CharField(max_length=40, required=False)
    source = forms.CharField(max_length=40, required=False)


@require_safe
@member_view(Act.TRY)
def playground(request: MemberRequest) -> HttpResponse:
    bots = list(_bots(request))
    chosen = request.GET.get("bot")
    bot = next((one for one in bots if one.public_id == chosen), bots[0] if bots else None)
    sources = Source.objects.for_client(request.client)
    own = sources.filter(knowledge_base=bot.knowledge_base) if bot else sources.none()
    context = {
        "bots": bots,
        "bot": bot,
        "ready": own.filter(live_version__gt=0).exists(),
        "working": own.unfinished().exists(),
        "most_characters": settings.MAX_QUESTION_CHARACTERS,
    }
    return render(request, "chat/playground.html", context)


@require_POST
@member_view(Act.TRY)
def ask(request: MemberRequest) -> HttpResponse:
    """The events of /api/chat, and before them the passages.

    A view of Django's usual kind: pages have a thread of their own anyway (the session needs it),
    and only the stream, which runs on the event loop, takes long.
    """
    try:
        turn = _let_in(request, json_body(request))
    except CallerError as error:
        return error.response()
    return cast(HttpResponse, sse.stream(_events(turn)))


def _let_in(request: MemberRequest, body: Mapping[str, Any]) -> Turn:
    form = AskForm(cast(Any, body))
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise BadRequest("invalid", f"{field}: {errors[0]}")
    bot = _bots(request).filter(public_id=form.cleaned_data["bot"]).first()
    if bot is None:
        raise NotFound("unknown_bot", "There is no chatbot of this id.")
    gate.require_chat(request.client)
    # A member's tries are theirs alone: neither visitors nor keys have names that begin like this.
    visitor = request.membership.public_id
    limits.spend(request, "chat_visitor", visitor)
    limits.spend(request, "chat_client", request.client.public_id)
    question = Question(
        bot=bot,
        text=form.cleaned_data["message"],
        visitor=visitor,
        conversation=form.cleaned_data["conversation"],
        channel=Conversation.Channel.PLAYGROUND,
        within=_source(request, bot, form.cleaned_data["source"]),
    )
    return open_turn(question)


def _source(request: MemberRequest, bot: Bot, public_id: str) -> Source | None:
    """The one that shall be asked alone. Raises NotFound for one that this bot does not know."""
    if not public_id:
        return None
    own = Source.objects.for_client(request.client).filter(knowledge_base=bot.knowledge_base)
    found = own.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("unknown_source", "There is no source of this id any more.")
    return found


async def _events(turn: Turn) -> AsyncIterator[bytes]:
    # The session took a connection on the request's thread, which is kept until the end: give it
    # back first, when the last middleware is through.
    await sync_to_async(connections.close_all)()
    model = chat_model()
    yield sse.encode("passages", _used(turn.passages, model))
    answering = cast(AsyncGenerator[Event, None], reply(turn, model))
    async with aclosing(answering) as events:
        async for event in events:
            yield sse.encode(*on_the_wire(event))


def _used(found: Sequence[Passage], model: ChatModel | None) -> list[dict[str, Any]]:
    """The passages that this answer is made from, best first, each with its rank of all found."""
    read = within_budget(found, PASSAGE_CHARACTERS) if model else found[:READ_PASSAGES]
    return [_as_json(rank, one) for rank, one in enumerate(found, 1) if one in read]


def _as_json(rank: int, passage: Passage) -> dict[str, Any]:
    return {
        "rank": rank,
        "source_id": passage.source_id,
        "title": passage.title,
        "heading": passage.heading,
        "page": passage.page_at(0),
        "text": passage.text,
        "score": round(passage.score, 4),
        "start": passage.start,
        "end": passage.start + len(passage.text),
    }


def _bots(request: MemberRequest) -> BotQuerySet:
    own = Bot.objects.for_client(request.client)
    return own.select_related("client__billing", "knowledge_base").order_by("pk")
