"""What a widget gets when it opens: its looks, a token, and the conversation that it had."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import limits
from billing import gate
from billing.entitlement import entitlement_of
from billing.plans import Feature
from chat import sightings, tokens
from chat.history import mark_gone
from chat.models import Bot, Citation, Conversation, Message
from chat.origins import is_own, require_allowed
from chatbot_saas.lib.errors import Forbidden, NotFound

MOST_SHOWN_MESSAGES = 50
GREETING = "Hello! How can I help you?"
PLACEHOLDER = "Ask a question…"
NO_MORE = "This source is no longer available."


def open_session(request: HttpRequest, wanted: dict[str, Any]) -> dict[str, Any]:
    """Check the site, and answer with everything that the widget needs. Raises CallerError."""
    limits.spend_by_address(request, "session_address")
    bot = find_bot(wanted.get("bot"))
    origin = _site_of(request, bot)
    gate.require_chat(bot.client)
    visitor = tokens.known_or_new_visitor(wanted.get("visitor"))
    body = {
        "token": tokens.sign(tokens.Visitor(bot.public_id, origin, visitor)),
        "visitor": visitor,
        "config": config(bot),
    }
    earlier = _conversation(bot, visitor, wanted.get("conversation"))
    return body if earlier is None else body | {"conversation": earlier}


def _site_of(request: HttpRequest, bot: Bot) -> str:
    """The website that opens the widget, noted whether it may or not. Raises Forbidden."""
    try:
        origin = require_allowed(request, bot)
    except Forbidden:
        sightings.note(bot, request.headers.get("Origin", "").lower(), refused=True)
        raise
    if not is_own(request, origin):
        sightings.note(bot, origin, refused=False)
    return origin


def find_bot(public_id: object) -> Bot:
    bots = Bot.objects.select_related("client__billing", "knowledge_base")
    bot = bots.filter(public_id=public_id).first() if isinstance(public_id, str) else None
    if bot is None:
        raise NotFound("unknown_bot", "There is no bot of this id.")
    return bot


def config(bot: Bot) -> dict[str, Any]:
    """Public by nature: nothing of the bot's instructions or sources is in it."""
    return {
        "name": bot.name,
        "logo": None,
        "colors": {"brand": bot.color} if bot.color else {},
        "theme": bot.theme,
        "position": bot.position,
        "greeting": bot.greeting or GREETING,
        "placeholder": bot.placeholder or PLACEHOLDER,
        "suggestions": bot.suggestions,
        "language": "en",
        "voice": None,
        "lead_form": None,
        "branding": "" if _hides_our_name(bot) else settings.SITE_NAME,
    }


def _hides_our_name(bot: Bot) -> bool:
    """As its client wants, while its plan holds that: after a smaller plan the name is back."""
    if not bot.hides_our_name:
        return False
    return Feature.NO_BRANDING in entitlement_of(bot.client).plan.features


def _conversation(bot: Bot, visitor: str, public_id: object) -> dict[str, Any] | None:
    if not isinstance(public_id, str):
        return None
    own = Conversation.objects.filter(bot=bot, visitor=visitor, public_id=public_id)
    conversation = own.select_related("bot").first()
    if conversation is None:
        return None
    latest = conversation.messages.prefetch_related("citations").order_by("-pk")
    messages = mark_gone(conversation, reversed(latest[:MOST_SHOWN_MESSAGES]))
    return {"id": conversation.public_id, "messages": [_message(one) for one in messages]}


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.public_id,
        "role": message.role,
        "text": message.text,
        "state": message.state,
        "answered": message.answered,
        "citations": [_citation(one) for one in message.citations.all()],
    }


def _citation(citation: Citation) -> dict[str, Any]:
    shown = citation.as_json()
    return shown | {"quote": NO_MORE, "url": ""} if citation.is_gone else shown
