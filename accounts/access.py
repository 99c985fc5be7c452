"""Who may do what: every dashboard view wears one of these decorators."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from accounts.http import MemberRequest
from accounts.models import Membership, User

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
MemberView = Callable[Concatenate[MemberRequest, P], HttpResponse]


def membership_of(user: User) -> Membership | None:
    """The membership under which a person works now: their oldest, until switching exists."""
    memberships = user.memberships.select_related("client")
    return memberships.order_by("pk").first()


def member_view(view: MemberView[P]) -> View[P]:
    """Require a signed-in member and put their client on the request."""

    @login_required
    @wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        membership = membership_of(cast(User, request.user))
        if membership is None:
            raise Http404
        member_request = cast(MemberRequest, request)
        member_request.membership = membership
        member_request.client = membership.client
        return view(member_request, *args, **kwargs)

    return cast(View[P], wrapper)
