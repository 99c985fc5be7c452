"""The knowledge pages of the dashboard: what there is, what is in it, more of it, less of it."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from accounts.access import FORM_FIELD, member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from billing import gate
from chatbot_saas.lib.errors import CallerError
from knowledge import changes, direct, upload
from knowledge.engine import formats
from knowledge.forms import FilterForm, TextForm, UploadForm, bots_of
from knowledge.models import Source, Website
from knowledge.website_forms import WebsiteForm

PAGE_SIZE = 50


@require_safe
@member_view(Act.VIEW)
def knowledge(request: MemberRequest) -> HttpResponse:
    """The page; for htmx the list alone, from the same template."""
    response = list_page(request)
    # The list alone must never be taken for the page when somebody comes back to it.
    patch_vary_headers(response, ["HX-Request"])
    return response


@csrf_exempt  # _take_files checks: reading the token reads the body, and who reads it is set first
@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def upload_sources(request: MemberRequest) -> HttpResponse:
    """Files of a plain form; with JavaScript they go to POST /api/documents one by one."""
    gate.require_edit(request.client)
    request.upload_handlers = [upload.HashingUploadHandler(request)]
    return _take_files(request)


@csrf_protect
def _take_files(request: MemberRequest) -> HttpResponse:
    form = UploadForm(bots_of(request.client), request.POST)
    if not form.is_valid():
        return list_page(request, upload_form=form, status=422)
    base = form.base(request.client)
    taken, refused = 0, list[str]()
    files = cast(list[TemporaryUploadedFile | None], request.FILES.getlist("file"))
    for file in files or [None]:
        try:
            changes.add_file(request, base, file)
            taken += 1
        except CallerError as error:
            refused.append(f"{file.name}: {error.message}" if file else error.message)
    for reason in refused:
        form.add_error(None, reason)
    if not taken:
        return list_page(request, upload_form=form, status=422)
    return _back_tolist_page(request, taken, refused)


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def write_source(request: MemberRequest) -> HttpResponse:
    form = TextForm(bots_of(request.client), request.POST, prefix="write")
    if not form.is_valid():
        return list_page(request, text_form=form, status=422)
    base = form.base(request.client)
    changes.add_text(request, base, form.cleaned_data["title"], form.cleaned_data["text"])
    return _back_tolist_page(request, 1, [])


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def retry_source(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _own(request, public_id)
    changes.read_again(request, found)
    messages.success(request, "It is being read again.")
    return redirect("source", public_id=found.public_id)


@csrf_exempt  # _take_version checks, as _take_files does
@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def replace_source(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _own(request, public_id)
    request.upload_handlers = [upload.HashingUploadHandler(request)]
    return _take_version(request, found)


@csrf_protect
def _take_version(request: MemberRequest, found: Source) -> HttpResponse:
    file = cast(TemporaryUploadedFile | None, request.FILES.get("file"))
    try:
        if changes.replace(request, found, file):
            messages.success(request, "The new version is being read. Until then the old answers.")
        else:
            messages.info(request, "This is the file that it was read from: nothing to do.")
    except CallerError as error:
        messages.error(request, error.message)
    return redirect("source", public_id=found.public_id)


@require_POST
@member_view(Act.EDIT_KNOWLEDGE)
def delete_source(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _own(request, public_id)
    changes.remove(request, found)
    messages.success(request, f"“{found.title}” is deleted. Answers no longer use it.")
    return redirect("knowledge")


def _own(request: MemberRequest, public_id: str) -> Source:
    own = Source.objects.for_client(request.client).documents()
    return get_object_or_404(own.select_related("knowledge_base__client"), public_id=public_id)


def list_page(request: MemberRequest, *, status: int = 200, **forms: Any) -> HttpResponse:
    """The page with all sources; with a form that came back with a mistake, when one is given."""
    bots = bots_of(request.client)
    wanted = FilterForm(bots, request.GET)
    own = Source.objects.for_client(request.client).documents()
    found = wanted.apply(own).with_passage_counts().order_by("-pk")
    chosen = {"bot": wanted.bot}
    context = {
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "filter": wanted,
        "bots": bots,
        "has_sources": own.exists(),
        "working": own.unfinished().exists(),
        "here": reverse("knowledge"),
        "list_url": _list_url(request),
        "upload_form": UploadForm(bots, initial=chosen),
        "websites": Website.objects.for_client(request.client).shown().with_page_counts(),
        "website_form": WebsiteForm(bots, initial=chosen, prefix="website"),
        "text_form": TextForm(bots, initial=chosen, prefix="write"),
        **_upload_facts(request),
        **forms,
    }
    template = "knowledge/_sources.html" if request.htmx else "knowledge/list.html"
    response = render(request, template, context, status=status)
    if bucket := direct.origin():
        cast(Any, response)._csp_update = {"connect-src": ["'self'", bucket]}
    return response


def _upload_facts(request: MemberRequest) -> dict[str, Any]:
    """What the form and its script must know."""
    named = urlencode({FORM_FIELD: request.client.public_id})
    return {
        "upload_url": f"{reverse('upload_sources')}?{named}",
        "suffixes": ",".join(sorted(formats.BY_SUFFIX)),
        "formats": formats.spoken(),
        "most_bytes": settings.MAX_UPLOAD_BYTES,
        "too_large": upload.too_large().message,
        "is_direct": direct.is_on(),
    }


def _list_url(request: HttpRequest) -> str:
    """This list as it is filtered now, also on a page that answers to a form."""
    asked = request.GET.urlencode() if request.method == "GET" else ""
    return f"{reverse('knowledge')}?{asked}" if asked else reverse("knowledge")


def _back_tolist_page(request: HttpRequest, taken: int, refused: list[str]) -> HttpResponse:
    what = "It is" if taken == 1 else f"{taken} files are"
    messages.success(request, f"{what} being read now. Answers use it as soon as it is ready.")
    for reason in refused:
        messages.error(request, reason)
    return redirect("knowledge")
