"""What a search finds, and why in this order: for whoever wonders about an answer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import limits
from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from chat.engine.extract import LEAST_SCORE
from chat.models import Bot, BotQuerySet
from knowledge import retrieve

SHOWN = 20


class QuestionForm(forms.Form):
    q = forms.CharField(max_length=settings.MAX_QUESTION_CHARACTERS)


@require_safe
@member_view(Act.EDIT_KNOWLEDGE)
def retrieval(request: MemberRequest) -> HttpResponse:
    bots = list(_bots(request))
    chosen = request.GET.get("bot")
    bot = next((one for one in bots if one.public_id == chosen), bots[0] if bots else None)
    asked = QuestionForm(request.GET)
    context: dict[str, Any] = {
        "bots": bots,
        "bot": bot,
        "question": request.GET.get("q", "")[: settings.MAX_QUESTION_CHARACTERS],
        "most_characters": settings.MAX_QUESTION_CHARACTERS,
    }
    if bot and asked.is_valid():
        limits.spend(request, "api_client", request.client.public_id)
        context |= _found(bot, asked.cleaned_data["q"])
    return render(request, "chat/retrieval.html", context)


def _found(bot: Bot, question: str) -> dict[str, Any]:
    found = retrieve.search(bot.knowledge_base, question, count=SHOWN)
    milliseconds = {name: 1000 * seconds for name, seconds in found.seconds.items()}
    return {
        "found": True,
        "hits": found.hits,
        "least": LEAST_SCORE,
        "above": sum(hit.score >= LEAST_SCORE for hit in found.hits),
        "milliseconds": milliseconds,
        "in_all": sum(milliseconds.values()),
    }


def _bots(request: MemberRequest) -> BotQuerySet:
    return Bot.objects.for_client(request.client).select_related("knowledge_base").order_by("pk")
