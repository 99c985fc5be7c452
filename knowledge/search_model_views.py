"""The page of the embedding models, which owners and admins may change."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from knowledge import search_models
from knowledge.models import KnowledgeBase, Reembedding


@require_safe
@member_view(Act.CHOOSE_MODEL)
def models(request: MemberRequest) -> HttpResponse:
    choices = search_models.choices(request.client)
    context = {
        "choices": choices,
        "working": any(one.change and one.change.is_working for one in choices),
    }
    template = "knowledge/_models.html" if request.htmx else "knowledge/models.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
@member_view(Act.CHOOSE_MODEL)
def change_model(request: MemberRequest, public_id: str) -> HttpResponse:
    own = KnowledgeBase.objects.for_client(request.client)
    base = get_object_or_404(own, public_id=public_id)
    change = search_models.change(request, base, request.POST.get("model", ""))
    messages.success(request, f"Changing to “{change.model.title}”. Answers go on meanwhile.")
    return redirect("search_models")


@require_POST
@member_view(Act.CHOOSE_MODEL)
def keep_model(request: MemberRequest, public_id: str) -> HttpResponse:
    own = Reembedding.objects.for_client(request.client).select_related("knowledge_base")
    search_models.cancel(request, get_object_or_404(own, public_id=public_id))
    messages.success(request, "The change is cancelled. Everything stays as it was.")
    return redirect("search_models")
