"""A document's page: how it was read, what it helped to answer, and a chat with it alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.access import FORM_FIELD, member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from chat import citing
from chat.models import Bot
from knowledge import document_text
from knowledge.engine import formats
from knowledge.models import Source

PAGE_SIZE = 50  # passages of about 1,000 characters


@require_safe
@member_view(Act.VIEW)
def source(request: MemberRequest, public_id: str) -> HttpResponse:
    """The page; for htmx the parts that change while it is read. `at` is a place in the text."""
    own = Source.objects.for_client(request.client).select_related("knowledge_base")
    found = get_object_or_404(own, public_id=public_id)
    if found.kind == Source.Kind.FAQ:
        return redirect("faq", public_id=found.faq.public_id)
    if (number := _asked_for(found, request.GET.get("at", ""))) is not None:
        return redirect(f"{request.path}?page={(number - 1) // PAGE_SIZE + 1}#passage-{number}")
    if request.htmx and request.GET.get("live") not in {None, str(found.live_version)}:
        return HttpResponseClientRefresh()  # a version became ready: all of the page is another
    template = "chat/_document.html" if request.htmx else "chat/document.html"
    response = render(request, template, _context(request, found))
    patch_vary_headers(response, ["HX-Request"])
    return response


def _asked_for(source: Source, at: str) -> int | None:
    """The passage that is asked for by a place in the text, such as that of a citation."""
    if not (at.isdecimal() and len(at) < 19):
        return None
    return document_text.number_at(source, int(at))


def _context(request: MemberRequest, source: Source) -> dict[str, Any]:
    pages = Paginator(document_text.passages_of(source), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "source": source,
        "page": page,
        "stretches": document_text.stretches(page),
        "here": request.path,
        "fresh": f"{request.path}?page={page.number}&live={source.live_version}",
    }
    if request.htmx:
        return context
    return context | {
        "bot": Bot.objects.filter(knowledge_base=source.knowledge_base).order_by("pk").first(),
        "most_characters": settings.MAX_QUESTION_CHARACTERS,
        "asked": citing.lately(request.client, source),
        "asked_count": citing.count(request.client, source),
        "asked_days": citing.DAYS,
        "suffixes": ",".join(sorted(formats.BY_SUFFIX.keys() - {".zip"})),
        "replace_url": _replace_url(request, source),
    }


def _replace_url(request: MemberRequest, source: Source) -> str:
    """Reading the field that names the client would read the upload: the address names it."""
    at = reverse("replace_source", kwargs={"public_id": source.public_id})
    return f"{at}?{urlencode({FORM_FIELD: request.client.public_id})}"
