"""Who may do what: every dashboard view wears this decorator.

It finds the client under which a person works, refuses strangers with 404 and members whose role
does not allow the act with 403, and puts the client on the request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django_htmx.http import HttpResponseClientRedirect

from accounts import permits
from accounts.http import MemberRequest
from accounts.models import Client, Membership, User
from accounts.roles import Act
from chatbot_saas.lib.errors import Forbidden

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
MemberView = Callable[Concatenate[MemberRequest, P], HttpResponseBase]

SESSION_KEY = "client"
# Every form of the dashboard names the client whose page it stands on (dashboard/_token.html):
# whoever switches in one tab and saves in another changes what that other tab shows.
FORM_FIELD = "client"
HEADER = "X-Client"


def membership_of(request: HttpRequest) -> Membership | None:
    """The membership under which the person behind this request works now.

    A form that names a client is for that client; otherwise the one they switched to counts, and
    when they never did, the one they joined first. Raises Http404 for a form of a client that they
    do not (any longer) belong to.
    """
    user = request.user
    if not isinstance(user, User):
        return None
    memberships = user.memberships.select_related("client")
    if named := _named_client(request):
        membership = memberships.filter(client__public_id=named).first()
        if membership is None:
            raise Http404
        return membership
    chosen = request.session.get(SESSION_KEY)
    membership = memberships.filter(client__public_id=chosen).first() if chosen else None
    return membership or memberships.order_by("pk").first()


def _named_client(request: HttpRequest) -> str:
    if header := request.headers.get(HEADER, ""):
        return header  # also when it only reads: a page that polls keeps showing its own client
    if request.method in SAFE_METHODS:
        return ""
    # Reading POST would read an upload, which must stream: its form names it in the address.
    is_form = request.content_type == "application/x-www-form-urlencoded"
    return (request.POST if is_form else request.GET).get(FORM_FIELD, "")


def switch(request: HttpRequest, client: Client) -> None:
    """Work under this client from now on."""
    request.session[SESSION_KEY] = client.public_id


def member_view(act: Act, *, when_lapsed: bool = False) -> Callable[[MemberView[P]], View[P]]:
    """Require a signed-in member who may do `act`.

    Of a client that pays no longer only the views stay open that say so: paying, and taking one's
    data along.
    """

    def decorate(view: MemberView[P]) -> View[P]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if (instead := _let_in(request, act)) is not None:
                return instead
            if (instead := _stopped(cast(MemberRequest, request), when_lapsed)) is not None:
                return instead
            return view(cast(MemberRequest, request), *args, **kwargs)

        cast(Any, wrapper).act = act  # read by the walk over all addresses
        return cast(View[P], wrapper)

    return decorate


def _let_in(request: HttpRequest, act: Act) -> HttpResponse | None:
    """Fill the request for a member who may do `act`; the response for everybody else."""
    if not request.user.is_authenticated:
        return _to_login(request)
    membership = membership_of(request)
    if membership is None:
        return redirect("start")
    if not membership.may(act):
        raise Forbidden("role", f"As {membership.role} you may not {act.label}.")
    member_request = cast(MemberRequest, request)
    member_request.membership = membership
    member_request.client = membership.client
    return None


def _stopped(request: MemberRequest, when_lapsed: bool) -> HttpResponse | None:
    """What members of a suspended or lapsed client get instead of the view."""
    dashboard = request.client.dashboard
    if dashboard == Client.Dashboard.NONE:
        return render(request, "dashboard/suspended.html", status=403)
    if when_lapsed:
        return None
    if dashboard == Client.Dashboard.FULL:
        if request.method not in SAFE_METHODS and not request.client.is_active:
            permits.require_edit(request.client)
        return None
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(resolve_url("billing"))
    return redirect("billing")


def _to_login(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        # A fragment must not become a log-in form in the middle of a page.
        return HttpResponseClientRedirect(resolve_url("account_login"))
    return redirect_to_login(request.get_full_path())


def person_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Require somebody who is signed in, whether or not they belong to a client yet."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_login(request)
        return view(request, *args, **kwargs)

    cast(Any, wrapper).for_persons = True
    return wrapper
