"""Draw the sum: where does this client stand now? The only module that writes Client.is_active."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client
from billing import notices
from billing.models import BillingState
from billing.plans import TRIAL_DAYS
from billing.standing import Standing, standing_of

# Whoever brought a client there stands in the audit log already.
NOTED_ELSEWHERE = frozenset({Standing.SUSPENDED, Standing.CLOSING, Standing.DEMO})


def takes_payments() -> bool:
    """Whether this installation sells anything: with a key of Stripe's it does."""
    return bool(settings.STRIPE_SECRET_KEY)


@transaction.atomic
def reconcile(client: Client, now: datetime | None = None) -> BillingState:
    """Bring Client.is_active in line with what is known; the billing state, locked.

    Asks nobody but the database: `pull` is what looks at Stripe, and ends here.
    """
    moment = now or timezone.now()
    state = locked_state(client)
    current = Client.objects.get(pk=client.pk)
    _begin_trial(state, moment)
    facts = state.facts(current, takes_payments=takes_payments())
    _stand(state, standing_of(facts, moment), moment)
    _tell_others(client, current, state)
    notices.send_due(state, moment)
    return state


def locked_state(client: Client) -> BillingState:
    """The client's one billing row, made when there is none; for use inside a transaction."""
    state, _ = BillingState.objects.select_for_update().get_or_create(client=client)
    return state


def _begin_trial(state: BillingState, now: datetime) -> None:
    """Once in the life of a client, and not while nothing is sold."""
    if state.trial_ends_at is None and takes_payments():
        state.trial_ends_at = now + timedelta(days=TRIAL_DAYS)
        state.save(update_fields=["trial_ends_at"])


def _stand(state: BillingState, standing: Standing, now: datetime) -> None:
    is_first = state.standing_since is None
    if state.standing == standing and not is_first:
        return
    before = Standing(state.standing)
    state.standing, state.standing_since = standing, now
    state.save(update_fields=["standing", "standing_since"])
    if not is_first and not NOTED_ELSEWHERE & {before, standing}:
        told = {"from": before.label, "to": standing.label}
        audit.record_by_system(state.client, Action.BILLING_CHANGED, standing.label, **told)


def _tell_others(client: Client, current: Client, state: BillingState) -> None:
    """What the rest of the product reads without asking billing."""
    standing = Standing(state.standing)
    wanted = {"is_active": standing.is_active, "dashboard": standing.dashboard}
    Client.objects.filter(pk=client.pk).exclude(**wanted).update(**wanted)
    client.is_active, client.dashboard = standing.is_active, standing.dashboard
    client.deletion_due_at = current.deletion_due_at
