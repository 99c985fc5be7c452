"""The table of who may do what, line by line, and where its lines meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Client
from billing.standing import GRACE, STALE_TRIAL, Facts, Standing, grace_end, standing_of
from tests.environment import BASE

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
FULL, BILLING, NONE = Client.Dashboard.FULL, Client.Dashboard.BILLING, Client.Dashboard.NONE

# docs/billing.md, line by line: its first cell, an example of it, and the cells for chat and
# dashboard in our words.
LINES = {
    "suspended by our staff (beats all)": Facts(is_suspended=True, status="active"),
    "being deleted by its owner": Facts(is_closing=True, status="active"),
    "complimentary until a date": Facts(complimentary_until=NOW + DAY, status="canceled"),
    "trial of 14 days, no card": Facts(trial_ends_at=NOW + DAY),
    "subscription active or trialing": Facts(status="active"),
    "trialing at Stripe, 48 hours past its end": Facts(
        status="trialing", period_end=NOW - STALE_TRIAL
    ),
    "past due, 7 days of grace from the first failure": Facts(
        status="past_due", past_due_since=NOW - GRACE + SECOND
    ),
    "past due for longer": Facts(status="past_due", past_due_since=NOW - GRACE),
    "unpaid, paused": Facts(status="unpaid"),
    "trial over, subscription ended, never paid": Facts(status="canceled", ever_paid=True),
}
DASHBOARD = {"yes": FULL, "no": NONE, "billing and export": BILLING}


def test_the_docs_tell_the_table_of_the_code() -> None:
    text = (BASE / "docs" / "billing.md").read_text()
    table = text.split("## Who may do what, when")[1].split("## ")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    rows = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in lines[2:]}
    assert set(rows) == set(LINES)
    for name, (chat, dashboard, change, api) in rows.items():
        standing = standing_of(LINES[name], NOW)
        assert chat.startswith("yes") == standing.is_active, name
        assert DASHBOARD[dashboard] == standing.dashboard, name
        allowed = "yes" if standing.is_active else "no"
        assert (change, api) == (allowed, allowed), name


@pytest.mark.parametrize(
    ("facts", "standing"),
    [
        (Facts(status="trialing", period_end=NOW), Standing.ACTIVE),
        (Facts(status="trialing", period_end=NOW - STALE_TRIAL + SECOND), Standing.ACTIVE),
        (Facts(status="trialing", period_end=NOW - STALE_TRIAL), Standing.STALE_TRIAL),
        (Facts(status="trialing", period_end=None), Standing.ACTIVE),
        (Facts(status="past_due", past_due_since=None), Standing.GRACE),
        (Facts(status="unpaid", past_due_since=NOW), Standing.UNPAID),
        (Facts(status="paused"), Standing.PAUSED),
        (Facts(status="canceled"), Standing.ENDED),
        (Facts(status="canceled", trial_ends_at=NOW + DAY), Standing.ENDED),
        (Facts(status="", trial_ends_at=NOW), Standing.TRIAL_OVER),
        (Facts(status="", trial_ends_at=NOW + SECOND), Standing.TRIAL),
        (Facts(status="", trial_ends_at=NOW + DAY, ever_paid=True), Standing.ENDED),
        (Facts(status="incomplete", trial_ends_at=NOW - DAY), Standing.TRIAL_OVER),
        (Facts(status="incomplete", trial_ends_at=NOW + DAY), Standing.TRIAL),
        (Facts(status="incomplete_expired", trial_ends_at=NOW + DAY), Standing.TRIAL),
        (Facts(status="incomplete_expired", trial_ends_at=NOW - DAY), Standing.TRIAL_OVER),
        (Facts(status="word_of_next_year", trial_ends_at=NOW - DAY), Standing.TRIAL_OVER),
        (Facts(status="word_of_next_year", ever_paid=True), Standing.ENDED),
        (Facts(complimentary_until=NOW, status="unpaid"), Standing.UNPAID),
        (Facts(takes_payments=False, status="canceled"), Standing.DEMO),
        (Facts(takes_payments=False, is_closing=True), Standing.CLOSING),
        (Facts(takes_payments=False, is_suspended=True), Standing.SUSPENDED),
    ],
)
def test_at_the_edges(facts: Facts, standing: Standing) -> None:
    assert standing_of(facts, NOW) == standing


@pytest.mark.parametrize(
    "facts",
    [
        Facts(is_suspended=True, is_closing=True),
        Facts(is_suspended=True, complimentary_until=NOW + DAY),
        Facts(is_suspended=True, takes_payments=False),
    ],
)
def test_suspension_beats_all(facts: Facts) -> None:
    assert standing_of(facts, NOW) == Standing.SUSPENDED
    assert standing_of(facts, NOW).dashboard == NONE


def test_free_time_beats_what_stripe_says() -> None:
    for status in ("past_due", "unpaid", "canceled", "paused", "", "active"):
        facts = Facts(status=status, complimentary_until=NOW + SECOND)
        assert standing_of(facts, NOW) == Standing.COMPLIMENTARY


def test_more_grace_puts_the_end_off_and_less_never_does() -> None:
    assert grace_end(NOW, None) == NOW + GRACE
    assert grace_end(NOW, NOW + 20 * DAY) == NOW + 20 * DAY
    assert grace_end(NOW, NOW + DAY) == NOW + GRACE
    longer = Facts(status="past_due", past_due_since=NOW - GRACE, grace_until=NOW + DAY)
    assert standing_of(longer, NOW) == Standing.GRACE


def test_every_standing_has_a_place_in_the_table() -> None:
    reached = {standing_of(facts, NOW) for facts in LINES.values()}
    by_hand = {Standing.DEMO, Standing.TRIAL_OVER, Standing.PAUSED}
    assert reached | by_hand == set(Standing)
