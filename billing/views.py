"""The billing page, the way back from Stripe's pages, and the public price list."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.models import Client
from accounts.roles import Act
from billing import invoices, meters, sync
from billing.changes import is_upgrade
from billing.entitlement import entitlement_of, state_of
from billing.models import BillingState, Checkout, Kind, UsageDay
from billing.plans import CURRENCY, PLANS, TRIAL_DAYS, Interval, Plan
from billing.reconcile import takes_payments
from billing.standing import Standing
from chatbot_saas.lib.charts import Column, plot
from chatbot_saas.lib.errors import CallerError

PLOTTED_DAYS = 30
MOST_POLLS = 60
WITHOUT_PLAN = (Standing.TRIAL_OVER, Standing.ENDED)
ASKED_AGAIN_AFTER = 10  # polls: Stripe may have answered before it knew


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    return render(request, "billing/pricing.html", price_list())


@require_safe
@csp_update({"form-action": settings.STRIPE_PAGES})
@member_view(Act.VIEW, when_lapsed=True)
def billing(request: MemberRequest) -> HttpResponse:
    return billing_page(request)


def billing_page(request: MemberRequest, error: CallerError | None = None) -> HttpResponse:
    """The page itself; with `error`, what came of a change, above everything else."""
    client = request.client
    state, entitlement = state_of(client), entitlement_of(client)
    interval = _interval(request, state)
    bills = invoices.latest(state) if request.membership.may(Act.MANAGE_BILLING) else []
    days = answers_per_day(client)
    context: dict[str, Any] = {
        "tells_of_billing": True,  # so no banner above says it again
        "state": state,
        "entitlement": entitlement,
        "has_plan": Standing(state.standing) not in WITHOUT_PLAN,
        "meters": [
            *meters.of_this_month(client, entitlement),
            *meters.of_what_is_there(client, entitlement.plan.limits),
        ],
        "days": days,
        "plot": plot([Column(_short(day), f"{_short(day)}: {n} answers", n) for day, n in days]),
        "takes_payments": takes_payments(),
        "intervals": list(Interval),  # a template would call the class
        "interval": interval,
        "offers": [offer(state, plan, interval) for plan in PLANS],
        "invoices": bills,
        "open_bill": next((bill for bill in bills if bill.is_open), None),
        "once": uuid4().hex,
        "error": error,
        **price_list(),
    }
    status = error.status if error else 200
    response = render(request, "billing/billing.html", context, status=status)
    for name, value in (error.headers() if error else {}).items():
        response.headers[name] = value
    return response


@require_safe
@member_view(Act.MANAGE_BILLING, when_lapsed=True)
def billing_return(request: MemberRequest) -> HttpResponse:
    """Back from a page of Stripe's. What happened there is asked of Stripe, not of the address."""
    sync.ask_for(request.client, "return")
    if not Checkout.objects.for_client(request.client).open().exists():
        return redirect("billing")
    return render(request, "billing/waiting.html", {"polls": 0})


@require_safe
@member_view(Act.MANAGE_BILLING, when_lapsed=True)
def billing_waiting(request: MemberRequest) -> HttpResponse:
    """A look at whether the payment has arrived; the page asks again until it has."""
    if not Checkout.objects.for_client(request.client).open().exists():
        return HttpResponseClientRedirect(resolve_url("billing"))
    polls = _number(request.GET.get("polls", "")) + 1
    if polls % ASKED_AGAIN_AFTER == 0:
        sync.ask_for(request.client, "return")
    context = {"polls": polls, "too_long": polls >= MOST_POLLS}
    return render(request, "billing/_waiting.html", context)


def price_list() -> dict[str, object]:
    return {"plans": PLANS, "currency": CURRENCY, "trial_days": TRIAL_DAYS}


def offer(state: BillingState, plan: Plan, interval: Interval) -> dict[str, object]:
    """A plan on the billing page, and what its button does: nothing for the present one."""
    is_now = state.has_subscription and (state.bought, state.bought_interval) == (plan, interval)
    act = ""
    if not plan.is_free and not is_now:
        act = "buy"
        if state.has_subscription:
            act = "upgrade" if is_upgrade(state, plan, interval) else "downgrade"
    return {"plan": plan, "is_now": is_now, "act": act}


def answers_per_day(client: Client) -> list[tuple[date, int]]:
    """Of each of the last days, today last."""
    today = timezone.now().date()
    days = [today - timedelta(days=PLOTTED_DAYS - 1 - number) for number in range(PLOTTED_DAYS)]
    rows = UsageDay.objects.filter(client=client, kind=Kind.ANSWERS, day__gte=days[0])
    used = dict(rows.values_list("day", "used"))
    return [(day, used.get(day, 0)) for day in days]


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _interval(request: HttpRequest, state: BillingState) -> Interval:
    wanted = request.GET.get("interval", "")
    return Interval(wanted) if wanted in set(Interval) else state.bought_interval


def _number(text: str) -> int:
    return min(int(text), MOST_POLLS) if text.isdecimal() and len(text) < 5 else 0
