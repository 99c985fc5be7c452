"""The company's own page, and the switch between several."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import access, companies
from accounts.access import member_view, person_view
from accounts.forms.company import CompanyForm
from accounts.http import MemberRequest, PersonRequest
from accounts.models import Client
from accounts.roles import Act


@require_POST
@person_view
def switch_client(request: HttpRequest) -> HttpResponse:
    memberships = cast(PersonRequest, request).user.memberships.select_related("client")
    membership = get_object_or_404(memberships, client__public_id=request.POST.get("to", ""))
    access.switch(request, membership.client)
    return redirect("overview")


@require_safe
@member_view(Act.VIEW)
def settings(request: MemberRequest) -> HttpResponse:
    return redirect("company")


@require_safe
@member_view(Act.VIEW)
def company(request: MemberRequest) -> HttpResponse:
    return _page(request, CompanyForm(initial=_now(request.client)))


@require_POST
@member_view(Act.EDIT_COMPANY)
def change_company(request: MemberRequest) -> HttpResponse:
    form = CompanyForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    companies.change(request, request.client, **form.cleaned_data)
    messages.success(request, "Saved.")
    return redirect("company")


def _page(request: MemberRequest, form: CompanyForm, *, status: int = 200) -> HttpResponse:
    return render(request, "settings/company.html", {"form": form}, status=status)


def _now(client: Client) -> dict[str, str]:
    return {"name": client.name, "website": client.website}
