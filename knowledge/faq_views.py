"""The dashboard's pages of questions and answers: the list, the editor, files in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import FORM_FIELD, member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from chatbot_saas.lib.errors import BadRequest, CallerError
from knowledge import faq_csv, faq_forms, faq_import
from knowledge import faqs as pairs
from knowledge.faq_csv import Mistakes
from knowledge.faq_forms import FaqFilterForm, ImportForm, NewPairForm, PairForm
from knowledge.forms import bots_of
from knowledge.models import Faq, KnowledgeBase, Source
from knowledge.models.faqs import MOST_QUESTION_CHARACTERS

PAGE_SIZE = 50
CSV_NAME = "questions-and-answers.csv"


@require_safe
@member_view(Act.VIEW)
def faqs(request: MemberRequest) -> HttpResponse:
    """The page; for htmx the list alone, from the same template."""
    response = _list_page(request)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Act.EDIT_KNOWLEDGE)
def add_faq(request: MemberRequest) -> HttpResponse:
    """The editor, empty or with a question that somebody asked in vain."""
    bots = bots_of(request.client)
    if request.method != "POST":
        asked = request.GET.get("question", "").replace("\0", "")[:MOST_QUESTION_CHARACTERS]
        chosen = {"question": asked, "bot": request.GET.get("bot", "")}
        return _editor(request, NewPairForm(bots, initial=chosen))
    form = NewPairForm(bots, request.POST)
    if not form.is_valid():
        return _editor(request, form, status=422)
    try:
        made = pairs.add(request, form.base(request.client), form.pair)
    except CallerError as error:
        return _refused(request, form, error)
    return _back(request, f"“{made.question}” is added. In a moment the chatbot knows it.")


@require_safe
@member_view(Act.VIEW)
def faq(request: MemberRequest, public_id: str) -> HttpResponse:
    """The editor; for htmx the state alone."""
    found = _own(request, public_id)
    if request.htmx:
        response = render(
            request, "knowledge/_faq_state.html", {"faq": found, "editable": _may_edit(request)}
        )
    else:
        response = _editor(request, PairForm(initial=faq_forms.of(found)), found)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def save_faq(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _own(request, public_id)
    form = PairForm(request.POST)
    if not form.is_valid():
        return _editor(request, form, found, status=422)
    try:
        pairs.change(request, found, form.pair)
    except CallerError as error:
        return _refused(request, form, error, found)
    return _back(request, f"“{found.question}” is saved.")


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def retry_faq(request: MemberRequest, public_id: str) -> HttpResponse:
    pairs.retry(request, _own(request, public_id))
    return _back(request, "The chatbot is learning it again.")


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def delete_faq(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _own(request, public_id)
    pairs.remove(request, found)
    return _back(request, f"“{found.question}” is deleted. Answers no longer use it.")


@require_safe
@member_view(Act.VIEW)
def export_faqs(request: MemberRequest) -> HttpResponseBase:
    """Those of one chatbot, as a file that can be taken again."""
    named = request.GET.get("bot", "").replace("\0", "")
    bots = bots_of(request.client)
    base = KnowledgeBase.objects.of_bot(request.client, named or (bots[0][0] if bots else ""))
    rows = base.faqs.order_by("pk").iterator(chunk_size=500)
    headers = {"Content-Disposition": f'attachment; filename="{CSV_NAME}"'}
    return StreamingHttpResponse(
        faq_csv.written(rows), content_type="text/csv; charset=utf-8", headers=headers
    )


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def import_faqs(request: MemberRequest) -> HttpResponse:
    form = ImportForm(bots_of(request.client), request.POST, request.FILES, prefix="import")
    if not form.is_valid():
        return _list_page(request, form, status=422)
    try:
        rows = faq_csv.read(form.cleaned_data["file"].read())
        taken = faq_import.take(request, form.base(request.client), rows)
    except CallerError as error:
        for reason in error.reasons if isinstance(error, Mistakes) else [error.message]:
            form.add_error("file", reason)
        return _list_page(request, form, status=_status(error))
    return _back(request, f"The file is read: {taken}.")


def _own(request: MemberRequest, public_id: str) -> Faq:
    own = Faq.objects.for_client(request.client).select_related("source", "knowledge_base")
    return get_object_or_404(own, public_id=public_id)


def _may_edit(request: MemberRequest) -> bool:
    return request.membership.may(Act.EDIT_KNOWLEDGE) and request.client.is_active


def _back(request: MemberRequest, news: str) -> HttpResponse:
    messages.success(request, news)
    return redirect("faqs")


def _refused(
    request: MemberRequest, form: PairForm, error: CallerError, faq: Faq | None = None
) -> HttpResponse:
    """The editor again, with what was typed."""
    form.add_error("question" if error.code == "same_question" else None, error.message)
    return _editor(request, form, faq, status=_status(error))


def _status(error: CallerError) -> int:
    return 422 if isinstance(error, BadRequest) else error.status


def _editor(
    request: MemberRequest, form: PairForm, faq: Faq | None = None, *, status: int = 200
) -> HttpResponse:
    context = {
        "editable": _may_edit(request),
        "form": form,
        "faq": faq,
        "bots": bots_of(request.client),
        "categories_id": faq_forms.CATEGORIES,
        "categories": Faq.objects.for_client(request.client).categories(),
    }
    return render(request, "knowledge/faq.html", context, status=status)


def _list_page(
    request: MemberRequest, import_form: ImportForm | None = None, *, status: int = 200
) -> HttpResponse:
    bots = bots_of(request.client)
    wanted = FaqFilterForm(request.client, bots, request.GET)
    own = Faq.objects.for_client(request.client)
    found = wanted.apply(own).select_related("source").order_by("-pk")
    context: dict[str, Any] = {
        "editable": _may_edit(request),
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "filter": wanted,
        "bots": bots,
        "has_faqs": own.exists(),
        "working": own.filter(source__state__in=Source.WORKING).exists(),
        "here": reverse("faqs"),
        "list_url": _list_url(request),
        "import_form": import_form
        or ImportForm(bots, initial={"bot": wanted.bot}, prefix="import"),
        "import_url": _named(request, "import_faqs"),
    }
    template = "knowledge/_faqs.html" if request.htmx else "knowledge/faqs.html"
    return render(request, template, context, status=status)


def _named(request: MemberRequest, view: str) -> str:
    """An upload names its company in the address: its body is read later."""
    return f"{reverse(view)}?{urlencode({FORM_FIELD: request.client.public_id})}"


def _list_url(request: MemberRequest) -> str:
    asked = request.GET.urlencode() if request.method == "GET" else ""
    return f"{reverse('faqs')}?{asked}" if asked else reverse("faqs")
