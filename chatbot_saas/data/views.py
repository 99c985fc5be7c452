"""The data page: export everything, how long conversations are kept, delete the company."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.models import Export
from accounts.roles import Act
from billing import limits
from billing.plans import Feature
from chatbot_saas.data import closing, export, retention
from chatbot_saas.data.forms import CloseForm, RetentionForm

SHOWN_EXPORTS = 10
CHUNK = 256 * 1024


@require_safe
@member_view(Act.MANAGE_DATA, when_lapsed=True)
def data(request: MemberRequest) -> HttpResponse:
    return _page(request)


@require_POST
@member_view(Act.MANAGE_DATA, when_lapsed=True)
def start_export(request: MemberRequest) -> HttpResponse:
    export.request_export(request, request.client)
    messages.info(request, "Your export is being built. You will get a mail when it is ready.")
    return redirect("data")


@require_safe
@member_view(Act.MANAGE_DATA, when_lapsed=True)
def download_export(request: MemberRequest, public_id: str) -> HttpResponseBase:
    of_client = Export.objects.for_client(request.client).select_related("client")
    wanted = get_object_or_404(of_client, public_id=public_id)
    stored = export.opened(request, wanted)
    name = slugify(wanted.client.name) or "company"
    headers = {
        "Content-Type": "application/zip",
        "Content-Disposition": f'attachment; filename="{name}-{wanted.created_at:%Y-%m-%d}.zip"',
        "Content-Length": str(wanted.bytes),
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(_chunks(stored), headers=headers)


@require_POST
@member_view(Act.MANAGE_DATA, when_lapsed=True)
def set_retention(request: MemberRequest) -> HttpResponse:
    form = RetentionForm(request.POST)
    if not form.is_valid():
        return _page(request, retention_form=form)
    if form.days is not None:  # keeping them for ever is what every plan does
        limits.require_feature(request.client, Feature.RETENTION)
    retention.change(request, request.client, form.days)
    messages.success(request, "Saved.")
    return redirect("data")


@require_POST
@member_view(Act.MANAGE_DATA, when_lapsed=True)
def close_client(request: MemberRequest) -> HttpResponse:
    form = CloseForm(request.POST, client=request.client)
    if not form.is_valid():
        return _page(request, close_form=form)
    closing.close(request, request.client)
    return redirect("data")


@require_POST
@member_view(Act.MANAGE_DATA, when_lapsed=True)
def keep_client(request: MemberRequest) -> HttpResponse:
    closing.keep(request, request.client)
    messages.success(request, f"{request.client.name} is kept.")
    return redirect("data")


def _page(request: MemberRequest, **forms: Any) -> HttpResponse:
    client = request.client
    exports = list(Export.objects.for_client(client).order_by("-pk")[:SHOWN_EXPORTS])
    context = {
        "exports": exports,
        "is_working": any(one.is_unfinished for one in exports),
        "retention_form": RetentionForm.showing(client),
        "close_form": CloseForm(client=client),
        "export_days": settings.EXPORT_DAYS,
        "deletion_days": settings.DELETION_DAYS,
        **forms,
    }
    return render(request, "settings/data.html", context, status=422 if forms else 200)


async def _chunks(stored: str) -> AsyncIterator[bytes]:
    """The file, a piece at a time. A plain file object would be read into memory whole."""
    file = await asyncio.to_thread(default_storage.open, stored)
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        file.close()
