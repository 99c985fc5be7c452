"""A subscription as our own table has it, without anybody at Stripe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Client
from billing.models import BillingState
from billing.plans import STANDARD, Interval, Plan

JUNE = datetime(2026, 6, 10, tzinfo=UTC)


def buy(client: Client, plan: Plan = STANDARD, **fields: Any) -> BillingState:
    """As if this client had bought this plan on JUNE."""
    state, _ = BillingState.objects.update_or_create(
        client=client,
        defaults={
            "status": "active",
            "standing": "active",
            "plan": plan.key,
            "interval": Interval.MONTH,
            "amount_cents": plan.monthly * 100,
            "period_start": JUNE,
            "period_end": JUNE + timedelta(days=30),
            "ever_paid": True,
            **fields,
        },
    )
    client.billing = state
    return state
