"""Where a person is logged in: look, end one session, or all others."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import sessions
from accounts.access import person_view
from accounts.http import PersonRequest


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@person_view
def session_list(request: HttpRequest) -> HttpResponse:
    """A POST logs out everywhere else."""
    user, this_one = cast(PersonRequest, request).user, request.session.session_key
    if request.method != "POST":
        return render(request, "accounts/sessions.html", {"places": sessions.of(user, this_one)})
    sessions.end_others(user, this_one)
    messages.success(request, "You are logged out everywhere else.")
    return redirect("usersessions_list")


@require_POST
@person_view
def end_session(request: HttpRequest) -> HttpResponse:
    ended = sessions.find(cast(PersonRequest, request).user, request.POST.get("session", ""))
    if ended is None:
        raise Http404
    sessions.end([ended])
    if ended.session_key == request.session.session_key:
        logout(request)
        return redirect("account_login")
    messages.success(request, "That session was ended.")
    return redirect("usersessions_list")
