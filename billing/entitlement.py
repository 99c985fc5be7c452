"""What a client may use now: its plan, and the month in which its use counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.models import Client
from billing.models import BillingState
from billing.periods import Period, month_of
from billing.plans import DEMO, STANDARD, TRIAL, Plan
from billing.reconcile import takes_payments


@dataclass(frozen=True, slots=True)
class Entitlement:
    """`goes_on`: beyond the answers of the plan each further one is billed, and none refused."""

    plan: Plan
    period: Period
    goes_on: bool = False


def entitlement_of(client: Client, now: datetime | None = None) -> Entitlement:
    """What this client may use at this moment. One query, or none when its state is at hand."""
    state, moment = state_of(client), now or timezone.now()
    plan = plan_in_force(state, moment)
    return Entitlement(
        plan=plan,
        period=month_of(_anchor(client, state), moment),
        goes_on=_goes_on(state, plan),
    )


def state_of(client: Client) -> BillingState:
    """The client's billing row, or what it would be before anybody made it."""
    try:
        return client.billing
    except BillingState.DoesNotExist:
        return BillingState(client=client)


def plan_in_force(state: BillingState, now: datetime) -> Plan:
    if not takes_payments():
        return DEMO
    if state.has_subscription:
        return state.bought
    is_gift = state.complimentary_until is not None and state.complimentary_until > now
    return STANDARD if is_gift else TRIAL


def _goes_on(state: BillingState, plan: Plan) -> bool:
    """Only who has a subscription can be billed for more."""
    return state.has_subscription and state.overage_wanted and plan.overage_cents is not None


def _anchor(client: Client, state: BillingState) -> datetime:
    """The subscription's own dates; without one, the day the client came."""
    bought = state.cycle_anchor or state.period_start
    return bought if state.has_subscription and bought else client.created_at
