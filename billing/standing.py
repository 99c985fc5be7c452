"""Where a client stands: the table that decides what it may do. Pure: facts and a moment in, a
standing out.

=========================================  ====  =========  ======  ===
what is so                                 chat  dashboard  change  API
=========================================  ====  =========  ======  ===
suspended by our staff                     no    no         no      no
being deleted by its owner                 no    yes        no      no
complimentary until later                  yes   yes        yes     yes
this installation takes no payments        yes   yes        yes     yes
subscription active or trialing            yes   yes        yes     yes
trialing, 48 h past its end                no    yes        no      no
past due, within the grace days            yes   yes        yes     yes
past due for longer                        no    yes        no      no
unpaid or paused                           no    yes        no      no
no subscription, within the trial          yes   yes        yes     yes
no subscription, ended or never paid       no    billing    no      no
=========================================  ====  =========  ======  ===
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models

from accounts.models import Client

GRACE = timedelta(days=7)
# Stripe ends a trial within minutes: one that is still open after this was forgotten.
STALE_TRIAL = timedelta(hours=48)


class Standing(models.TextChoices):
    DEMO = "demo", "Active"
    ACTIVE = "active", "Active"
    TRIAL = "trial", "Trial"
    COMPLIMENTARY = "complimentary", "Complimentary"
    GRACE = "grace", "Payment failed"
    GRACE_OVER = "grace_over", "Payment overdue"
    STALE_TRIAL = "stale_trial", "Trial over"
    UNPAID = "unpaid", "Unpaid"
    PAUSED = "paused", "Paused"
    TRIAL_OVER = "trial_over", "Trial over"
    ENDED = "ended", "Ended"
    CLOSING = "closing", "Closing"
    SUSPENDED = "suspended", "Suspended"

    @property
    def is_active(self) -> bool:
        """May chat, change things and use the API: the three always go together."""
        return self in _ACTIVE

    @property
    def dashboard(self) -> Client.Dashboard:
        """How much of the dashboard its members see."""
        if self == Standing.SUSPENDED:
            return Client.Dashboard.NONE
        is_lapsed = self in {Standing.TRIAL_OVER, Standing.ENDED}
        return Client.Dashboard.BILLING if is_lapsed else Client.Dashboard.FULL


_ACTIVE = frozenset(
    {
        Standing.DEMO,
        Standing.ACTIVE,
        Standing.TRIAL,
        Standing.COMPLIMENTARY,
        Standing.GRACE,
    }
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a client. `status` is Stripe's word, "" without a subscription."""

    takes_payments: bool = True
    is_suspended: bool = False
    is_closing: bool = False
    complimentary_until: datetime | None = None
    status: str = ""
    period_end: datetime | None = None
    past_due_since: datetime | None = None
    grace_until: datetime | None = None
    trial_ends_at: datetime | None = None
    ever_paid: bool = False


def standing_of(facts: Facts, now: datetime) -> Standing:
    """Where a client with these facts stands at this moment; the first line that fits counts."""
    if facts.is_suspended:
        return Standing.SUSPENDED
    if facts.is_closing:
        return Standing.CLOSING
    if facts.complimentary_until and facts.complimentary_until > now:
        return Standing.COMPLIMENTARY
    if not facts.takes_payments:
        return Standing.DEMO
    return _by_subscription(facts, now)


def _by_subscription(facts: Facts, now: datetime) -> Standing:
    match facts.status:
        case "active":
            return Standing.ACTIVE
        case "trialing":
            is_stale = facts.period_end and facts.period_end + STALE_TRIAL <= now
            return Standing.STALE_TRIAL if is_stale else Standing.ACTIVE
        case "past_due":
            until = grace_end(facts.past_due_since or now, facts.grace_until)
            return Standing.GRACE if now < until else Standing.GRACE_OVER
        case "unpaid":
            return Standing.UNPAID
        case "paused":
            return Standing.PAUSED
        case _:
            return _without_subscription(facts, now)


def _without_subscription(facts: Facts, now: datetime) -> Standing:
    # A first payment that never came through takes nobody's trial away.
    if facts.ever_paid or facts.status == "canceled":
        return Standing.ENDED
    is_over = facts.trial_ends_at is not None and facts.trial_ends_at <= now
    return Standing.TRIAL_OVER if is_over else Standing.TRIAL


def grace_end(since: datetime, extended_until: datetime | None) -> datetime:
    """When grace ends that began at `since`: after GRACE, or later where our staff said so."""
    usual = since + GRACE
    return max(usual, extended_until) if extended_until else usual
