"""Mails about money: when each falls due, to whom, and that none goes out twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Membership, OutboxEmail
from accounts.roles import Role
from billing import notices
from billing.models import BillingState
from billing.reconcile import reconcile
from billing.standing import GRACE
from tests.everything import Everything

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def sells(selling: None) -> None: ...


def state(world: Everything, **fields: Any) -> BillingState:
    found, _ = BillingState.objects.update_or_create(client=world.client, defaults=fields)
    return found


def kinds() -> list[str]:
    keys = OutboxEmail.objects.order_by("pk").values_list("dedupe_key", flat=True)
    return [key.partition(":")[0] for key in keys]


def look(world: Everything, now: datetime) -> list[str]:
    """What was mailed in all, after two looks at this moment."""
    for _ in range(2):
        reconcile(world.client, now)
    return kinds()


def test_a_trial_is_announced_three_days_before_its_end_and_ended_once(
    marigold: Everything,
) -> None:
    state(marigold, trial_ends_at=NOW)
    assert look(marigold, NOW - 3 * DAY - SECOND) == []
    assert look(marigold, NOW - 3 * DAY) == ["trial_ending"]
    assert look(marigold, NOW - SECOND) == ["trial_ending"]
    assert look(marigold, NOW) == ["trial_ending", "trial_over"]
    assert look(marigold, NOW + 30 * DAY) == ["trial_ending", "trial_over"]


def test_a_failed_payment_has_three_mails_over_its_grace(marigold: Everything) -> None:
    state(marigold, status="past_due", past_due_since=NOW, subscription_id="sub_1", plan="basic")
    assert look(marigold, NOW) == ["payment_failed"]
    assert look(marigold, NOW + GRACE - 3 * DAY - SECOND) == ["payment_failed"]
    assert look(marigold, NOW + GRACE - 3 * DAY) == ["payment_failed", "grace_ending"]
    told = look(marigold, NOW + GRACE)
    assert told == ["payment_failed", "grace_ending", "grace_over"]
    state(marigold, status="unpaid")
    assert look(marigold, NOW + GRACE + DAY) == told


def test_the_next_failure_is_another_one(marigold: Everything) -> None:
    for month in (0, 30):
        state(marigold, status="past_due", past_due_since=NOW + month * DAY, plan="basic")
        look(marigold, NOW + month * DAY)
        state(marigold, status="active", past_due_since=None)
        look(marigold, NOW + month * DAY + DAY)
    assert kinds() == ["payment_failed"] * 2


def test_more_grace_is_announced_with_its_own_end(marigold: Everything) -> None:
    state(marigold, status="past_due", past_due_since=NOW, plan="basic")
    look(marigold, NOW + GRACE - DAY)
    state(marigold, grace_until=NOW + GRACE + 10 * DAY)
    look(marigold, NOW + GRACE + 8 * DAY)
    assert kinds() == ["payment_failed", "grace_ending", "grace_ending"]
    assert "12 December 2026" in OutboxEmail.objects.latest("pk").text


def test_the_end_of_each_subscription_is_told_once(marigold: Everything) -> None:
    state(marigold, status="canceled", ever_paid=True, subscription_id="sub_1")
    assert look(marigold, NOW) == ["ended"]
    state(marigold, subscription_id="sub_2")
    assert look(marigold, NOW) == ["ended", "ended"]


def test_every_owner_is_told_and_nobody_else(marigold: Everything) -> None:
    second = marigold.people[Role.VIEWER]
    Membership.objects.filter(user=second).update(role=Role.OWNER)
    state(marigold, status="canceled", ever_paid=True, subscription_id="sub_1")
    reconcile(marigold.client, NOW)
    owners = {marigold.people[Role.OWNER].email, second.email}
    assert {mail.recipient for mail in OutboxEmail.objects.all()} == owners
    assert OutboxEmail.objects.count() == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"suspended_at": NOW},
        {"complimentary_until": NOW + DAY},
    ],
)
def test_who_is_suspended_or_pays_nothing_gets_no_mail(
    marigold: Everything, fields: dict[str, Any]
) -> None:
    state(marigold, status="past_due", past_due_since=NOW - DAY, plan="basic", **fields)
    assert look(marigold, NOW) == []


@pytest.mark.parametrize("kind", sorted(notices.SUBJECTS))
def test_each_mail_names_the_company_what_to_do_and_where(marigold: Everything, kind: str) -> None:
    about = state(
        marigold, plan="basic", trial_ends_at=NOW, past_due_since=NOW, subscription_id="sub_1"
    )
    context: dict[str, Any] = {"what": "answers", "used": 80, "limit": 100, "ends": NOW}
    notices.send(marigold.client, notices.Notice(kind, "once"), state=about, **context)
    mail = OutboxEmail.objects.get()
    assert "marigold GmbH" in mail.subject + mail.text
    assert "/app/billing/" in mail.text
    assert "{" not in mail.subject + mail.text
    assert "&" not in mail.text
    assert "\n\n\n" not in mail.text


def test_a_line_break_in_a_companys_name_makes_no_header(marigold: Everything) -> None:
    marigold.client.name = "A\nBcc: everybody@example.com"
    notices.send(marigold.client, notices.Notice("ended", "once"))
    assert "\n" not in OutboxEmail.objects.get().subject
