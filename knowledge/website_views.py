"""The dashboard's pages of websites: add one, see what was found, take it, keep it fresh."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from chatbot_saas.lib.errors import BadRequest
from knowledge import websites
from knowledge.forms import bots_of
from knowledge.models import WebPage, WebPageQuerySet, Website
from knowledge.views import list_page
from knowledge.website_forms import WebsiteForm

PAGE_SIZE = 100
MOST_TO_CHOOSE = 500


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def add_website(request: MemberRequest) -> HttpResponse:
    form = WebsiteForm(bots_of(request.client), request.POST, prefix="website")
    if not form.is_valid():
        return list_page(request, website_form=form, status=422)
    try:
        made = websites.add(request, form.base(request.client), form.wanted)
    except BadRequest as error:
        form.add_error("url", error.message)
        return list_page(request, website_form=form, status=422)
    return redirect("website", public_id=made.public_id)


@require_safe
@member_view(Act.VIEW)
def website(request: MemberRequest, public_id: str) -> HttpResponse:
    """The page; for htmx the part that changes, from the same template."""
    found = _own(request, public_id)
    asks = found.state == Website.State.FOUND
    # A mark is lost on the way to the next page: those to choose from stand on one.
    pages = Paginator(_in_order(found), MOST_TO_CHOOSE if asks else PAGE_SIZE)
    context: dict[str, Any] = {
        "website": found,
        "page": pages.get_page(request.GET.get("page")),
        "asks": asks,
        "waiting": {one.pk for one in websites.found(found).only("pk")},
        "here": request.path,
    }
    template = "knowledge/_website.html" if request.htmx else "knowledge/website.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def take_website(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _own(request, public_id)
    but = [int(one) for one in request.POST.getlist("but") if one.isdecimal() and len(one) < 19]
    websites.confirm(request, found, but=but)
    messages.success(request, "Its pages are being read now. Answers use each as soon as it is.")
    return redirect("website", public_id=public_id)


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def stop_website(request: MemberRequest, public_id: str) -> HttpResponse:
    websites.stop(request, _own(request, public_id))
    messages.success(request, "It is stopped. What was read until now stays.")
    return redirect("website", public_id=public_id)


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def sync_website(request: MemberRequest, public_id: str) -> HttpResponse:
    websites.sync(request, _own(request, public_id))
    messages.success(request, "It is being looked at. Only what changed is read again.")
    return redirect("website", public_id=public_id)


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def delete_website(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _own(request, public_id)
    websites.remove(request, found)
    messages.success(request, f"“{found.url}” is deleted. Answers no longer use its pages.")
    return redirect("knowledge")


def _own(request: MemberRequest, public_id: str) -> Website:
    own = Website.objects.for_client(request.client).shown().with_page_counts()
    return get_object_or_404(own.select_related("knowledge_base"), public_id=public_id)


def _in_order(website: Website) -> WebPageQuerySet:
    """What waits for an answer or was read first, then what was not; as on the site within."""
    state = WebPage.State
    order = [state.FOUND, state.TAKEN, state.QUEUED, state.FAILED]
    places = [When(state=one, then=Value(place)) for place, one in enumerate(order)]
    place = Case(*places, default=Value(len(order)), output_field=IntegerField())
    rows = website.pages.pages().select_related("source").annotate(place=place)
    return rows.order_by("place", "depth", "pk")
