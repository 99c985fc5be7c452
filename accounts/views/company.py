"""Set up a company, change it, switch between several."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.access import member_view, person_view
from accounts.http import MemberRequest
from accounts.roles import Act


@person_view
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/start.html")


@person_view
def switch_client(request: HttpRequest) -> HttpResponse:
    return redirect("overview")


@member_view(Act.VIEW)
def settings(request: MemberRequest) -> HttpResponse:
    return redirect("company")


@member_view(Act.VIEW)
def company(request: MemberRequest) -> HttpResponse:
    return render(request, "settings/company.html")
