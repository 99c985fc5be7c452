"""To be written."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act


@member_view(Act.VIEW)
def widget(request: MemberRequest) -> HttpResponse:
    return render(request, "chat/widget.html")
