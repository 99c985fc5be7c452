"""Invitations: send them, take them back, accept one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, invitations
from accounts.access import member_view
from accounts.forms.company import InviteForm
from accounts.http import MemberRequest
from accounts.models import Invitation, User
from accounts.roles import Act
from accounts.views.members import members_page


@require_POST
@member_view(Act.MANAGE_MEMBERS)
def invite(request: MemberRequest) -> HttpResponse:
    form = InviteForm(request.POST, actor=request.membership)
    if not form.is_valid():
        return members_page(request, form, status=422)
    email = form.cleaned_data["email"]
    invitations.invite(request, request.membership, email, form.chosen())
    messages.success(request, f"An invitation to {email} is on its way.")
    return redirect("members")


@require_POST
@member_view(Act.MANAGE_MEMBERS)
def send_invitation_again(request: MemberRequest, public_id: str) -> HttpResponse:
    invitation = _invitation(request, public_id)
    invitations.send_again(request, invitation)
    messages.success(request, f"A new invitation to {invitation.email} is on its way.")
    return redirect("members")


@require_POST
@member_view(Act.MANAGE_MEMBERS)
def revoke_invitation(request: MemberRequest, public_id: str) -> HttpResponse:
    invitation = _invitation(request, public_id)
    invitations.revoke(request, invitation)
    messages.success(request, f"The invitation of {invitation.email} was taken back.")
    return redirect("members")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Opening it changes nothing, as mail scanners open links too; the button accepts."""
    found = invitations.find(token)
    if not isinstance(request.user, User) or request.method != "POST":
        return render(request, "accounts/invitation.html", {"invitation": found})
    membership = invitations.accept(request, found, request.user)
    access.switch(request, membership.client)
    messages.success(request, f"Welcome to {membership.client.name}.")
    return redirect("overview")


def _invitation(request: MemberRequest, public_id: str) -> Invitation:
    own = Invitation.objects.for_client(request.client).select_related("client", "invited_by")
    return get_object_or_404(own, public_id=public_id)
