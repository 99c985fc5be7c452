"""Members of a client: see them, change their roles, let them go."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access, audit
from accounts import members as rules
from accounts.access import member_view
from accounts.audit import Action
from accounts.forms.company import InviteForm, RoleForm
from accounts.http import MemberRequest
from accounts.models import Invitation, Membership
from accounts.roles import Act

ON_A_PAGE = 50


@require_safe
@member_view(Act.VIEW)
def members(request: MemberRequest) -> HttpResponse:
    return members_page(request, InviteForm(actor=request.membership))


def members_page(request: MemberRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    """The list, with the form of invitations as it stands."""
    search = request.GET.get("q", "")[:120]
    found = Membership.objects.for_client(request.client).select_related("user")
    open_ones = Invitation.objects.for_client(request.client).open().live_first()
    if search:
        open_ones = open_ones.filter(email__icontains=search)
        found = found.filter(Q(user__email__icontains=search) | Q(user__name__icontains=search))
    context = {
        "page": Paginator(found.order_by("pk"), ON_A_PAGE).get_page(request.GET.get("page")),
        "invitations": Paginator(open_ones, ON_A_PAGE).get_page(request.GET.get("invited")),
        "form": form,
        "search": search,
    }
    return render(request, "settings/members.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Act.MANAGE_MEMBERS)
def member(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _member(request, public_id)
    form = RoleForm(request.POST or None, actor=request.membership, initial={"role": found.role})
    context = {"member": found, "form": form, "is_self": found.pk == request.membership.pk}
    if request.method != "POST":
        return render(request, "settings/member.html", context)
    if not form.is_valid():
        return render(request, "settings/member.html", context, status=422)
    with transaction.atomic():
        rules.change_role(request.membership, found, form.chosen())
        change = f"{found.role} → {form.chosen()}"
        audit.record(request, request.client, Action.MEMBER_ROLE, found.user.email, role=change)
    messages.success(request, f"{found.user.get_full_name()} is {form.chosen()} now.")
    return redirect("members")


@require_POST
@member_view(Act.MANAGE_MEMBERS)
def remove_member(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _member(request, public_id)
    with transaction.atomic():
        rules.remove(request.membership, found)
        audit.record(request, request.client, Action.MEMBER_REMOVED, found.user.email)
    messages.success(request, f"{found.user.get_full_name()} is no member any more.")
    return redirect("members")


@require_POST
@member_view(Act.MANAGE_OWNERS)
def hand_over(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _member(request, public_id)
    with transaction.atomic():
        rules.hand_over(request.membership, found)
        audit.record(request, request.client, Action.OWNERSHIP_HANDED_OVER, found.user.email)
    messages.success(request, f"{found.user.get_full_name()} owns the company now.")
    return redirect("members")


@require_POST
@member_view(Act.VIEW, when_lapsed=True)
def leave(request: MemberRequest) -> HttpResponse:
    with transaction.atomic():
        rules.leave(request.membership)
        audit.record(request, request.client, Action.MEMBER_LEFT)
    request.session.pop(access.SESSION_KEY, None)
    messages.success(request, f"You left {request.client.name}.")
    return redirect("overview")


def _member(request: MemberRequest, public_id: str) -> Membership:
    own = Membership.objects.for_client(request.client).select_related("user")
    return get_object_or_404(own, public_id=public_id)
