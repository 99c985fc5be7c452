"""The widget's page: looks, words, websites, the line to paste, and where it was seen."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from billing import gate
from chat import bots
from chat.forms import WidgetForm
from chat.models import Bot, Sighting

SHOWN_SIGHTINGS = 20


@require_safe
@member_view(Act.VIEW)
def widget(request: MemberRequest) -> HttpResponse:
    if not Bot.objects.for_client(request.client).exists():
        return render(request, "chat/widget.html", {"bot": None})
    bot = bots.of_client(request.client, request.GET.get("bot"))
    return _page(request, bot, WidgetForm(instance=bot))


@require_POST
@member_view(Act.EDIT_WIDGET)
def save_widget(request: MemberRequest) -> HttpResponse:
    gate.require_edit(request.client)
    bot = bots.of_client(request.client, request.POST.get("bot"))
    form = WidgetForm(request.POST, instance=bot)
    if not form.is_valid():
        return _page(request, bot, form, status=422)
    bots.restyle(request, form)
    messages.success(request, "Saved. Visitors see it within a few minutes.")
    return _back(bot)


@require_POST
@member_view(Act.EDIT_WIDGET)
def allow_website(request: MemberRequest) -> HttpResponse:
    gate.require_edit(request.client)
    bot = bots.of_client(request.client, request.POST.get("bot"))
    domain = bots.allow(request, bot, request.POST.get("origin", ""))
    messages.success(request, f"The chat may stand on {domain} now.")
    return _back(bot)


def _page(request: MemberRequest, bot: Bot, form: WidgetForm, *, status: int = 200) -> HttpResponse:
    seen = Sighting.objects.filter(bot=bot).order_by("-last_at")
    context = {
        "bot": bot,
        "bots": Bot.objects.for_client(request.client).order_by("pk"),
        "form": form,
        "seen": seen.filter(refused=False)[:SHOWN_SIGHTINGS],
        "refused": seen.filter(refused=True)[:SHOWN_SIGHTINGS],
        "product": settings.SITE_URL,
    }
    return render(request, "chat/widget.html", context, status=status)


def _back(bot: Bot) -> HttpResponse:
    return redirect(f"{reverse('widget')}?{urlencode({'bot': bot.public_id})}")
