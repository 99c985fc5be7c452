"""What an owner's buttons on the billing page do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.access import member_view
from accounts.audit import Action
from accounts.http import MemberRequest
from accounts.roles import Act
from billing import changes, checkout, sync
from billing.models import BillingState
from billing.plans import PAID, Interval, Plan
from billing.reconcile import reconcile, takes_payments
from billing.stripe_api import StripeUnavailable
from billing.views import billing_page
from chatbot_saas.lib.errors import BadRequest, CallerError, Conflict

# Nobody shall pay for what is deleted next week.
WHILE_CLOSING = frozenset({"cancel", "portal"})

Order = Callable[[MemberRequest], HttpResponse]


def order(view: Order) -> Any:
    """A view of an owner's that talks to Stripe; what goes wrong is told on the billing page."""

    @require_POST
    @csp_update({"form-action": settings.STRIPE_PAGES})
    @member_view(Act.MANAGE_BILLING, when_lapsed=True)
    def wrapper(request: MemberRequest) -> HttpResponse:
        try:
            if not takes_payments():
                raise Conflict("no_payments", "This installation takes no payments.")
            if request.client.is_closing and view.__name__ not in WHILE_CLOSING:
                raise Conflict("closing", "This company is going to be deleted: keep it first.")
            return view(request)
        except CallerError as error:
            if isinstance(error, StripeUnavailable):
                sync.ask_for(request.client, "unanswered")
            request.client.refresh_from_db()
            return billing_page(request, error)

    return wrapper


@order
def buy(request: MemberRequest) -> HttpResponse:
    return redirect(checkout.begin(request, *_wanted(request)))


@order
def change_plan(request: MemberRequest) -> HttpResponse:
    wanted, every = _wanted(request)
    changes.change_plan(request, wanted, every, _once(request))
    state = BillingState.objects.get(client=request.client)
    if state.next_plan:
        text = f"{wanted.name} begins when the present period ends."
    else:
        text = f"You have {wanted.name} now."
    messages.success(request, text)
    return redirect("billing")


@order
def keep_plan(request: MemberRequest) -> HttpResponse:
    changes.keep_plan(request, _once(request))
    messages.success(request, "Your plan stays as it is.")
    return redirect("billing")


@order
def cancel(request: MemberRequest) -> HttpResponse:
    changes.cancel(request, _once(request))
    messages.success(request, "It is cancelled, and goes on until the end of the period.")
    return redirect("billing")


@order
def resume(request: MemberRequest) -> HttpResponse:
    changes.resume(request, _once(request))
    messages.success(request, "The cancellation is taken back.")
    return redirect("billing")


@order
def portal(request: MemberRequest) -> HttpResponse:
    return redirect(changes.portal(request.client))


@order
def set_overage(request: MemberRequest) -> HttpResponse:
    """Let answers go on beyond the plan, each one billed, or stop them there."""
    wanted = request.POST.get("wanted") == "on"
    state = reconcile(request.client)
    if wanted and state.bought.overage_cents is None:
        raise Conflict("no_overage", f"{state.bought.name} stops at its limit.")
    changed = BillingState.objects.filter(pk=state.pk).exclude(overage_wanted=wanted)
    if changed.update(overage_wanted=wanted):
        told = "billed beyond the plan" if wanted else "stop at the limit"
        audit.record(request, request.client, Action.OVERAGE_CHANGED, told)
    text = "Answers go on beyond the plan." if wanted else "Answers stop at the plan's limit."
    messages.success(request, text)
    return redirect("billing")


def _wanted(request: MemberRequest) -> tuple[Plan, Interval]:
    """The plan and the interval of a form, such as "standard month"."""
    plan, _, interval = request.POST.get("order", "").partition(" ")
    found = next((one for one in PAID if one.key == plan), None)
    if found is None or interval not in set(Interval):
        raise BadRequest("unknown_plan", "There is no such plan: please choose one below.")
    return found, Interval(interval)


def _once(request: MemberRequest) -> str:
    """The name of the form that was sent, so that two presses of its button are one."""
    once = request.POST.get("once", "")
    return once if once.isalnum() and len(once) <= 40 else uuid4().hex
