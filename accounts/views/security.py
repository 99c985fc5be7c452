"""A person's own account, seen from the dashboard: name here, the rest on allauth's pages."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import member_view
from accounts.forms.person import NameForm
from accounts.http import MemberRequest
from accounts.roles import Act


@require_safe
@member_view(Act.VIEW, when_lapsed=True)
def security(request: MemberRequest) -> HttpResponse:
    return _page(request, NameForm(initial={"name": request.user.name}))


@require_POST
@member_view(Act.VIEW, when_lapsed=True)
def save_name(request: MemberRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    request.user.name = form.cleaned_data["name"]
    request.user.save(update_fields=["name"])
    messages.success(request, "Saved.")
    return redirect("security")


def _page(request: MemberRequest, form: NameForm, *, status: int = 200) -> HttpResponse:
    kinds = list(Authenticator.objects.filter(user=request.user).values_list("type", flat=True))
    context = {
        "form": form,
        "has_totp": Authenticator.Type.TOTP in kinds,
        "passkeys": kinds.count(Authenticator.Type.WEBAUTHN),
        "sessions": UserSession.objects.filter(user=request.user).count(),
    }
    return render(request, "settings/security.html", context, status=status)
