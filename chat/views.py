"""The visitors' paths: open a widget, ask, and get the answer as a stream or whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from accounts import limits
from accounts.api import bearer_key, is_bearer
from accounts.models import ApiKey
from billing import gate
from billing.quota import QuotaExceeded
from chat import tokens, widget
from chat.conversation import Question, Turn, open_turn, reply
from chat.cors import cross_origin, json_body
from chat.engine.events import (
    Citations,
    Delta,
    Done,
    Event,
    Failed,
    on_the_wire,
    usage_json,
)
from chat.model import chat_model
from chat.models import Bot, Conversation
from chat.origins import is_own, require_allowed
from chatbot_saas.lib import sse
from chatbot_saas.lib.errors import BadRequest, CallerError, Forbidden, NotFound
from chatbot_saas.lib.threads import in_thread

STATUS = {"model_busy": 503, "model_timeout": 504}
CHANNELS = {
    ApiKey.Mode.LIVE: Conversation.Channel.API,
    ApiKey.Mode.TEST: Conversation.Channel.TEST,
}


@csrf_exempt
@cross_origin
async def session(request: HttpRequest) -> HttpResponseBase:
    body = json_body(request)
    return JsonResponse(await in_thread(widget.open_session, request, body))


@csrf_exempt
@cross_origin
async def ask(request: HttpRequest) -> HttpResponseBase:
    body = json_body(request)
    turn, token = await in_thread(_let_in, request, body)
    events = reply(turn, chat_model())
    if "text/event-stream" in request.headers.get("Accept", ""):
        return sse.stream(_encoded(events, token))
    return await _whole(turn, events)


def _let_in(request: HttpRequest, body: Mapping[str, Any]) -> tuple[Turn, str | None]:
    """Everything that is checked before a question costs anything, then its turn. Blocking."""
    text = _text(body)
    if not is_bearer(request.headers.get("Authorization", "")):
        # A client's own program asks for many people from one address.
        limits.spend_by_address(request, "chat_address")
    bot, visitor, channel = _caller(request, body.get("bot"))
    gate.require_chat(bot.client)
    if visitor:
        limits.spend(request, "chat_visitor", visitor.visitor)
    limits.spend(request, "chat_bot", bot.public_id)
    limits.spend(request, "chat_client", bot.client.public_id)
    page_url = _optional(body, "page_url") or ""
    question = Question(
        bot=bot,
        text=text,
        visitor=visitor.visitor if visitor else "",
        conversation=_optional(body, "conversation"),
        page_url=page_url,
        channel=channel or _channel_of(request, page_url),
    )
    try:
        turn = open_turn(question)
    except QuotaExceeded as error:
        if visitor:  # how much its client has bought is none of a visitor's business
            raise QuotaExceeded(error.code, gate.NOT_AVAILABLE) from error
        raise
    return turn, tokens.sign(visitor) if visitor else None


def _caller(
    request: HttpRequest, bot_id: object
) -> tuple[Bot, tokens.Visitor | None, Conversation.Channel | None]:
    """A client's program with a key for its own bots, or a visitor with a token for one."""
    key = bearer_key(request.headers.get("Authorization", ""))
    if key is not None:
        bot = Bot.objects.for_client(key.client).filter(public_id=str(bot_id)).first()
        if bot is None:
            raise NotFound("unknown_bot", "There is no bot of this id.")
        if not key.allows("chat"):
            raise Forbidden("missing_scope", "This API key may not chat.")
        return widget.find_bot(bot.public_id), None, CHANNELS[ApiKey.Mode(key.mode)]
    bot = widget.find_bot(bot_id)
    visitor = tokens.read(request.headers.get("Authorization", ""))
    if visitor.bot != bot.public_id:
        raise Forbidden("token_wrong_bot", "This token is for another bot.")
    if require_allowed(request, bot) != visitor.origin:
        raise Forbidden("origin_not_allowed", "This token was given to another website.")
    return bot, visitor, None


def _channel_of(request: HttpRequest, page_url: str) -> Conversation.Channel:
    """A visitor's: on the client's site, on our hosted page, or in the dashboard's preview."""
    if not is_own(request, request.headers.get("Origin", "").lower()):
        return Conversation.Channel.WIDGET
    path = urlsplit(page_url).path
    if not path.startswith("/c/"):
        return Conversation.Channel.WIDGET
    is_try = path.endswith("/preview/")
    return Conversation.Channel.PLAYGROUND if is_try else Conversation.Channel.HOSTED


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("message")
    if not isinstance(text, str) or not text.strip():
        raise BadRequest("empty_message", "Send a question in “message”.")
    if len(text) > settings.MAX_QUESTION_CHARACTERS:
        most = settings.MAX_QUESTION_CHARACTERS
        raise BadRequest("message_too_long", f"A question may have {most} characters at most.")
    return text.strip()


def _optional(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    raise BadRequest("invalid", f"“{name}” must be a text.")


async def _encoded(events: AsyncIterator[Event], token: str | None) -> AsyncIterator[bytes]:
    async for event in events:
        name, data = on_the_wire(event)
        if isinstance(event, Done) and isinstance(data, dict):
            data = data | {"token": token}
        yield sse.encode(name, data)


async def _whole(turn: Turn, events: AsyncIterator[Event]) -> HttpResponse:
    text, citations, done = "", list[Any](), Done(answered=False)
    async for event in events:
        match event:
            case Delta():
                text += event.text
            case Citations():
                citations = [cited.as_json() for cited in event.citations]
            case Done():
                done = event
            case Failed():
                return _failure(event)
    return JsonResponse(
        {
            "conversation": turn.conversation,
            "message_id": turn.message_id,
            "answer": text,
            "answered": done.answered,
            "citations": citations,
            "usage": usage_json(done.usage),
            "suggestions": [],
        }
    )


class ModelUnavailable(CallerError):
    """The model's fault, told in the form of all other errors."""

    status = 502


def _failure(event: Failed) -> HttpResponse:
    error = ModelUnavailable(event.code, event.message, retry_after=event.retry_after)
    response = error.response()
    response.status_code = STATUS.get(event.code, ModelUnavailable.status)
    return response
