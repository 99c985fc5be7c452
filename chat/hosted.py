"""The hosted chat page, which the client's own sites may show in a frame."""

from __future__ import annotations

from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from billing import gate
from billing.gate import PaymentRequired
from chat import widget
from chat.models import Bot
from chat.origins import LOCAL_HOSTS
from chatbot_saas.lib.errors import NotFound
from chatbot_saas.lib.threads import in_thread


@csrf_exempt  # no session, no form: what is not a GET is simply the wrong method
@require_safe
@xframe_options_exempt
async def hosted_chat(request: HttpRequest, public_id: str) -> HttpResponse:
    bot = await in_thread(_find, public_id)
    return _framed(_page(request, bot), sites_of(bot))


@csrf_exempt
@require_safe
@xframe_options_exempt
async def hosted_preview(request: HttpRequest, public_id: str) -> HttpResponse:
    """The same for the dashboard; what is asked there counts as a try."""
    bot = await in_thread(_find, public_id)
    return _framed(_page(request, bot), [])


def sites_of(bot: Bot) -> list[str]:
    """The sources of frame-ancestors that stand for a bot's websites."""
    found = []
    for domain in bot.allowed_domains:
        is_local = domain.partition(":")[0] in LOCAL_HOSTS
        found += [f"http://{domain}:*", f"http://{domain}"] if is_local else [f"https://{domain}"]
    return found


def _find(public_id: str) -> Bot:
    try:
        return widget.find_bot(public_id)
    except NotFound as error:
        raise Http404 from error


def _page(request: HttpRequest, bot: Bot) -> HttpResponse:
    try:
        gate.require_chat(bot.client)
    except PaymentRequired as error:
        return render(request, "chat/hosted.html", {"bot": bot, "closed": error.message})
    return render(request, "chat/hosted.html", {"bot": bot})


def _framed(response: HttpResponse, sites: list[str]) -> HttpResponse:
    # What csp.decorators.csp_replace sets: its own arguments are fixed when the view is made.
    cast(Any, response)._csp_replace = {"frame-ancestors": ["'self'", *sites]}
    return response
