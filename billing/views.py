"""The billing page and the public price list."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from billing.models import BillingState
from billing.plans import CURRENCY, PLANS, TRIAL_DAYS


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    return render(request, "billing/pricing.html", price_list())


@require_safe
@member_view(Act.VIEW)
def billing(request: MemberRequest) -> HttpResponse:
    state = BillingState.objects.filter(client=request.client).first()
    has_stripe = bool(settings.STRIPE_LIVE_SECRET_KEY)
    context = {"state": state, "has_stripe": has_stripe, **price_list()}
    return render(request, "billing/billing.html", context)


def price_list() -> dict[str, object]:
    return {"plans": PLANS, "currency": CURRENCY, "trial_days": TRIAL_DAYS}
