"""The page of API keys. The text of a key is on one response alone, the one to its making."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit, keys
from accounts.access import member_view
from accounts.audit import Action
from accounts.forms.keys import NewKeyForm, RotateForm
from accounts.http import MemberRequest
from accounts.models import ApiKey
from accounts.roles import Act

SHOWN = 100


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member_view(Act.MANAGE_KEYS)
def api_keys(request: MemberRequest) -> HttpResponse:
    form = NewKeyForm(request.POST or None)
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=422)
    with transaction.atomic():
        key, text = keys.make(request.client, by=request.user, **form.given())
        audit.record(request, request.client, Action.KEY_CREATED, _label(key))
    return _page(request, NewKeyForm(), made=key, text=text)


@require_POST
@never_cache
@member_view(Act.MANAGE_KEYS)
def rotate_key(request: MemberRequest, public_id: str) -> HttpResponse:
    key = _key(request, public_id)
    form = RotateForm(request.POST)
    if not form.is_valid():
        return _page(request, NewKeyForm(), status=422, rotate_errors=form.errors)
    with transaction.atomic():
        successor, text = keys.rotate(key, form.span(), by=request.user)
        audit.record(request, request.client, Action.KEY_ROTATED, _label(key))
    return _page(request, NewKeyForm(), made=successor, text=text)


@require_POST
@member_view(Act.MANAGE_KEYS, when_lapsed=True)  # a key that leaked must be stopped by anybody
def revoke_key(request: MemberRequest, public_id: str) -> HttpResponse:
    key = _key(request, public_id)
    with transaction.atomic():
        if keys.revoke(key):
            audit.record(request, request.client, Action.KEY_REVOKED, _label(key))
    messages.success(request, f"{key.name} was revoked. Programs that use it are refused now.")
    return redirect("api_keys")


def _key(request: MemberRequest, public_id: str) -> ApiKey:
    return get_object_or_404(ApiKey.objects.for_client(request.client), public_id=public_id)


def _label(key: ApiKey) -> str:
    return f"{key.name} ({key.prefix}…)"


def _page(
    request: MemberRequest, form: Form, *, status: int = 200, **context: object
) -> HttpResponse:
    found = ApiKey.objects.for_client(request.client).select_related("created_by")
    usable = found.usable().order_by("-pk")
    ended = found.exclude(pk__in=usable.values("pk")).order_by("-pk")
    page = {
        "form": form,
        "rotate_form": RotateForm(),
        "usable": usable[:SHOWN],
        "ended": ended[:SHOWN],
        **context,
    }
    return render(request, "settings/api_keys.html", page, status=status)
