"""What decides whether a client may chat and change things, and what it has used."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from accounts.models import Client
from billing.plans import Interval, Plan, PlanKey, plan_of
from billing.standing import Facts, Standing, grace_end
from chatbot_saas.lib.ids import new_id


class BillingStateQuerySet(models.QuerySet["BillingState"]):
    def at_stripe(self) -> BillingStateQuerySet:
        return self.exclude(stripe_customer_id=None)

    def changed_by_time(self) -> BillingStateQuerySet:
        """Those whose standing may change, or who must be warned, without anybody doing a thing.

        Of an installation that takes payments since today, all of its clients.
        """
        passing = [Standing.GRACE, Standing.TRIAL, Standing.COMPLIMENTARY, Standing.DEMO]
        return self.filter(Q(standing__in=passing) | Q(status="trialing"))

    def stopped_by_money(self) -> BillingStateQuerySet:
        """Those who do not stand as they would if this installation took no payments."""
        elsewhere = [Standing.DEMO, Standing.SUSPENDED, Standing.CLOSING, Standing.COMPLIMENTARY]
        return self.exclude(standing__in=elsewhere)


class BillingState(models.Model):
    """One row for each client. Staff write holds and gifts here, `pull` what Stripe says, and
    `reconcile` draws the sum."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, related_name="billing")

    # What Stripe says. The link to a customer is made by us alone, never from Stripe's metadata.
    stripe_customer_id = models.CharField(max_length=64, unique=True, null=True, blank=True)
    subscription_id = models.CharField(max_length=64, blank=True)
    item_id = models.CharField(max_length=64, blank=True)
    schedule_id = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=24, blank=True)
    plan = models.CharField(max_length=12, default=PlanKey.TRIAL)
    interval = models.CharField(max_length=8, blank=True)
    amount_cents = models.PositiveIntegerField(default=0)
    # The day and hour of each month on which its periods begin, whatever short months made of it.
    cycle_anchor = models.DateTimeField(null=True, blank=True)
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    cancel_at = models.DateTimeField(null=True, blank=True)
    next_plan = models.CharField(max_length=12, blank=True)
    next_interval = models.CharField(max_length=8, blank=True)
    past_due_since = models.DateTimeField(null=True, blank=True)
    ever_paid = models.BooleanField(default=False)
    alert = models.CharField(max_length=200, blank=True)
    # Numbers the pulls: only the one that began last may write what it found.
    pulls = models.PositiveIntegerField(default=0)
    pulled_at = models.DateTimeField(null=True, blank=True)

    # What we and the client's owners say.
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    grace_until = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_reason = models.CharField(max_length=300, blank=True)
    complimentary_until = models.DateTimeField(null=True, blank=True)
    overage_wanted = models.BooleanField(default=False)

    # The sum.
    standing = models.CharField(max_length=16, choices=Standing, default=Standing.TRIAL)
    standing_since = models.DateTimeField(null=True, blank=True)

    objects = BillingStateQuerySet.as_manager()

    def __str__(self) -> str:
        return f"of {self.client_id}"

    def facts(self, client: Client, *, takes_payments: bool) -> Facts:
        return Facts(
            takes_payments=takes_payments,
            is_suspended=self.suspended_at is not None,
            is_closing=client.is_closing,
            complimentary_until=self.complimentary_until,
            status=self.status,
            period_end=self.period_end,
            past_due_since=self.past_due_since,
            grace_until=self.grace_until,
            trial_ends_at=self.trial_ends_at,
            ever_paid=self.ever_paid,
        )

    @property
    def has_subscription(self) -> bool:
        """Whether Stripe has one that goes on: another one would be paid twice."""
        return self.status in {"active", "trialing", "past_due", "unpaid", "paused"}

    @property
    def may_change_plan(self) -> bool:
        return self.status in {"active", "trialing"} and self.cancel_at is None

    @property
    def bought(self) -> Plan:
        """The plan of its subscription, or the trial."""
        return plan_of(self.plan)

    @property
    def following(self) -> Plan | None:
        """The plan that begins when the present period ends, where that is another one."""
        return plan_of(self.next_plan) if self.next_plan else None

    @property
    def bought_interval(self) -> Interval:
        return Interval(self.interval or Interval.MONTH)

    @property
    def grace_ends_at(self) -> datetime | None:
        if self.past_due_since is None:
            return None
        return grace_end(self.past_due_since, self.grace_until)


class SyncRequestQuerySet(models.QuerySet["SyncRequest"]):
    def open(self) -> SyncRequestQuerySet:
        return self.filter(done_at__isnull=True)

    def due(self, now: datetime) -> SyncRequestQuerySet:
        return self.open().filter(not_before__lte=now)


class SyncRequest(models.Model):
    """Something happened at Stripe: look there again. Written by the webhook, done by the worker.

    `expects` is what the event said about a subscription; an API that lags behind its own events
    is asked again until it says so too.
    """

    event_id = models.CharField(max_length=64, unique=True, null=True, blank=True)
    reason = models.CharField(max_length=64)
    customer_id = models.CharField(max_length=64, blank=True, db_index=True)
    client = models.ForeignKey(
        Client, null=True, on_delete=models.CASCADE, related_name="sync_requests"
    )
    expects = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_index=True)
    not_before = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=64, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = SyncRequestQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["not_before"], name="sync_request_open", condition=Q(done_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.reason} of {self.customer_id}"


def new_checkout_id() -> str:
    return new_id("chk")


class CheckoutQuerySet(models.QuerySet["Checkout"]):
    def for_client(self, client: Client) -> CheckoutQuerySet:
        return self.filter(client=client)

    def open(self) -> CheckoutQuerySet:
        return self.filter(state=Checkout.State.OPEN)


class Checkout(models.Model):
    """A payment page at Stripe. A client has one open at most: two would be two subscriptions.

    `public_id` is the idempotency key: two presses of the button get the same page.
    """

    class State(models.TextChoices):
        OPEN = "open"
        COMPLETE = "complete"
        EXPIRED = "expired"

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="checkouts")
    public_id = models.CharField(
        max_length=32, unique=True, default=new_checkout_id, editable=False
    )
    plan = models.CharField(max_length=12)
    interval = models.CharField(max_length=8)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    session_id = models.CharField(max_length=128, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CheckoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client"], condition=Q(state="open"), name="one_open_checkout"
            )
        ]

    def __str__(self) -> str:
        return f"{self.client_id}: {self.plan}"


class StripeObject(models.Model):
    """What `billing_setup` made or found at Stripe, by our own name for it."""

    name = models.CharField(max_length=100)
    livemode = models.BooleanField()
    stripe_id = models.CharField(max_length=128)
    checked_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "livemode"], name="one_stripe_object_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.stripe_id}"


class Kind(models.TextChoices):
    """What is counted."""

    ANSWERS = "answers", "answers"
    API_CALLS = "api_calls", "API calls"
    MODEL_COST = "model_cost", "millionths of a dollar paid for model tokens"


class UsageCounterQuerySet(models.QuerySet["UsageCounter"]):
    def for_client(self, client: Client) -> UsageCounterQuerySet:
        return self.filter(client=client)

    def unreported(self) -> UsageCounterQuerySet:
        return self.filter(over__gt=F("reported"))


class UsageCounter(models.Model):
    """What one client has used of one kind in one period.

    `over` of them were beyond the plan and are billed, `reported` of those Stripe was told of.
    `reporting` and its moment are set before it is told, so that a worker which dies in between
    sends the same report again under the same name.
    """

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="usage")
    kind = models.CharField(max_length=12, choices=Kind)
    period_start = models.DateTimeField()
    used = models.BigIntegerField(default=0)
    over = models.BigIntegerField(default=0)
    reported = models.BigIntegerField(default=0)
    reporting = models.BigIntegerField(default=0)
    reporting_at = models.DateTimeField(null=True)

    objects = UsageCounterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "kind", "period_start"], name="one_counter_per_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.client_id}: {self.used}"


class UsageDay(models.Model):
    """The same per day (UTC), for the plot."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="usage_days")
    kind = models.CharField(max_length=12, choices=Kind)
    day = models.DateField()
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "kind", "day"], name="one_usage_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.client_id} on {self.day}: {self.used}"


class RevenueDay(models.Model):
    """How the business stood at the end of one day (UTC); money in cents."""

    day = models.DateField(unique=True)
    mrr_cents = models.BigIntegerField()
    paying = models.PositiveIntegerField()
    trials = models.PositiveIntegerField()
    past_due = models.PositiveIntegerField()
    ended = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.day}: {self.mrr_cents}"
