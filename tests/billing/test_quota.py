"""Counting what is used: spent, refunded, stopped at the plan's limit, or billed beyond it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Client, OutboxEmail
from accounts.roles import Role
from billing import quota
from billing.models import Kind, UsageCounter, UsageDay
from billing.plans import BASIC, STANDARD, TRIAL
from billing.quota import QuotaExceeded
from tests.billing.buying import JUNE, buy
from tests.everything import Everything


def use(client: Client, used: int, kind: Kind = Kind.ANSWERS, now: datetime = JUNE) -> UsageCounter:
    quota.add(client, kind, used, now)
    return counter(client, kind)


def counter(client: Client, kind: Kind = Kind.ANSWERS) -> UsageCounter:
    return UsageCounter.objects.filter(client=client, kind=kind).latest("period_start")


@pytest.fixture
def paying(selling: None, acme: Client) -> Client:
    buy(acme)
    return acme


def test_each_answer_is_one_and_stands_in_its_day(paying: Client) -> None:
    for hours in (0, 1, 24):
        quota.spend(paying, Kind.ANSWERS, now=JUNE + timedelta(hours=hours))
    assert counter(paying).used == 3
    days = UsageDay.objects.filter(client=paying).order_by("day")
    assert list(days.values_list("used", flat=True)) == [2, 1]


def test_the_last_answer_of_a_month_is_given_and_the_next_refused(paying: Client) -> None:
    use(paying, STANDARD.limits.answers - 1)
    quota.spend(paying, Kind.ANSWERS, now=JUNE)
    with pytest.raises(QuotaExceeded, match="All answers of this month") as caught:
        quota.spend(paying, Kind.ANSWERS, now=JUNE)
    assert (caught.value.status, caught.value.code) == (402, "quota_exceeded")
    assert counter(paying).used == STANDARD.limits.answers
    assert UsageDay.objects.get(client=paying).used == STANDARD.limits.answers


def test_the_count_begins_anew_with_the_subscriptions_month_not_the_calendars(
    paying: Client,
) -> None:
    use(paying, STANDARD.limits.answers)
    with pytest.raises(QuotaExceeded):
        quota.spend(paying, Kind.ANSWERS, now=datetime(2026, 7, 9, 23, 59, tzinfo=UTC))
    quota.spend(paying, Kind.ANSWERS, now=datetime(2026, 7, 10, tzinfo=UTC))
    assert counter(paying).used == 1


def test_a_refund_gives_back_what_was_spent_and_no_more(paying: Client) -> None:
    spent_on = quota.spend(paying, Kind.ANSWERS, now=JUNE)
    for _ in range(2):
        quota.refund(spent_on, JUNE)
    assert counter(paying).used == 0
    assert UsageDay.objects.get(client=paying).used == 0


def test_a_refund_goes_to_the_month_that_paid_whatever_month_it_is(paying: Client) -> None:
    spent_on = quota.spend(paying, Kind.ANSWERS, now=JUNE)
    later = JUNE + timedelta(days=31)
    quota.spend(paying, Kind.ANSWERS, now=later)
    quota.refund(spent_on, JUNE)
    used = UsageCounter.objects.filter(client=paying).order_by("period_start")
    assert list(used.values_list("used", flat=True)) == [0, 1]


def test_a_refund_of_a_deleted_client_does_nothing(db: None) -> None:
    quota.refund(4711, JUNE)


def test_the_smaller_plan_counts_at_once_where_more_was_used(paying: Client) -> None:
    use(paying, BASIC.limits.answers + 100)
    quota.spend(paying, Kind.ANSWERS, now=JUNE)
    buy(paying, BASIC)
    with pytest.raises(QuotaExceeded):
        quota.spend(paying, Kind.ANSWERS, now=JUNE)


def test_what_models_cost_is_capped_however_many_answers_are_left(paying: Client) -> None:
    dollar = 1_000_000
    cap = STANDARD.limits.model_cost_cents * dollar // 100
    now = timezone.now()
    quota.add(paying, Kind.MODEL_COST, cap - 1, now)
    quota.require(paying, Kind.ANSWERS, Kind.MODEL_COST)
    quota.add(paying, Kind.MODEL_COST, 1, now)
    with pytest.raises(QuotaExceeded):
        quota.require(paying, Kind.ANSWERS, Kind.MODEL_COST)


def test_without_a_plan_the_trials_limits_count_from_the_day_the_client_came(
    selling: None, acme: Client
) -> None:
    now = acme.created_at + timedelta(days=3)
    use(acme, TRIAL.limits.answers, now=now)
    with pytest.raises(QuotaExceeded):
        quota.spend(acme, Kind.ANSWERS, now=now)
    assert counter(acme).period_start == acme.created_at


def test_where_nothing_is_sold_nothing_runs_out(acme: Client) -> None:
    use(acme, STANDARD.limits.answers * 100)
    quota.spend(acme, Kind.ANSWERS, now=JUNE)


def test_who_wants_more_is_billed_for_what_is_beyond_the_plan(paying: Client) -> None:
    buy(paying, overage_wanted=True)
    use(paying, STANDARD.limits.answers - 1)
    spent_on = [quota.spend(paying, Kind.ANSWERS, now=JUNE) for _ in range(4)]
    assert (counter(paying).used, counter(paying).over) == (STANDARD.limits.answers + 3, 3)
    quota.refund(spent_on[-1], JUNE)
    assert (counter(paying).used, counter(paying).over) == (STANDARD.limits.answers + 2, 2)


def test_what_stripe_was_told_of_and_then_failed_makes_the_next_one_free(paying: Client) -> None:
    buy(paying, overage_wanted=True)
    use(paying, STANDARD.limits.answers)
    spent_on = quota.spend(paying, Kind.ANSWERS, now=JUNE)
    UsageCounter.objects.update(reporting=1, reported=1)
    quota.refund(spent_on, JUNE)
    assert (counter(paying).used, counter(paying).over) == (STANDARD.limits.answers, 0)
    quota.spend(paying, Kind.ANSWERS, now=JUNE)
    assert not UsageCounter.objects.unreported().exists()
    quota.spend(paying, Kind.ANSWERS, now=JUNE)
    assert UsageCounter.objects.unreported().get().over == 2


def test_a_month_cut_short_by_february_does_not_begin_the_next_one_early(paying: Client) -> None:
    """Bought on 31 January: at Stripe the month of 28 February goes on to 31 March."""
    january = datetime(2026, 1, 31, tzinfo=UTC)
    february = datetime(2026, 2, 28, tzinfo=UTC)
    buy(paying, cycle_anchor=january, period_start=february)
    use(paying, STANDARD.limits.answers, now=february)
    with pytest.raises(QuotaExceeded):
        quota.spend(paying, Kind.ANSWERS, now=datetime(2026, 3, 30, tzinfo=UTC))
    quota.spend(paying, Kind.ANSWERS, now=datetime(2026, 3, 31, tzinfo=UTC))


def test_free_time_is_no_order_for_further_answers(paying: Client) -> None:
    later = JUNE + timedelta(days=3_000)
    buy(paying, status="canceled", overage_wanted=True, complimentary_until=later)
    now = paying.created_at + timedelta(days=1)
    use(paying, STANDARD.limits.answers, now=now)
    with pytest.raises(QuotaExceeded):
        quota.spend(paying, Kind.ANSWERS, now=now)


def test_a_plan_without_further_answers_stops_whatever_is_wanted(paying: Client) -> None:
    buy(paying, BASIC, overage_wanted=True)
    use(paying, BASIC.limits.answers)
    with pytest.raises(QuotaExceeded):
        quota.spend(paying, Kind.ANSWERS, now=JUNE)


def test_further_answers_never_lift_the_cap_on_cost_or_on_calls(paying: Client) -> None:
    buy(paying, overage_wanted=True)
    use(paying, STANDARD.limits.api_calls, Kind.API_CALLS)
    with pytest.raises(QuotaExceeded):
        quota.spend(paying, Kind.API_CALLS, now=JUNE)


def subjects() -> list[str]:
    return list(OutboxEmail.objects.order_by("pk").values_list("subject", flat=True))


def test_owners_are_mailed_once_at_80_and_once_at_100_percent(
    selling: None, marigold: Everything
) -> None:
    client = marigold.client
    buy(client)
    limit = STANDARD.limits.answers
    use(client, limit * 8 // 10 - 2)
    quota.spend(client, Kind.ANSWERS, now=JUNE)
    assert not subjects()
    spent_on = quota.spend(client, Kind.ANSWERS, now=JUNE)
    assert subjects() == ["marigold GmbH has used 80 % of its answers"]
    quota.refund(spent_on, JUNE)
    quota.spend(client, Kind.ANSWERS, now=JUNE)
    assert len(subjects()) == 1
    UsageCounter.objects.update(used=limit - 1)
    quota.spend(client, Kind.ANSWERS, now=JUNE)
    assert subjects()[1:] == ["marigold GmbH has used all of its answers"]
    mails = OutboxEmail.objects.all()
    assert {mail.recipient for mail in mails} == {marigold.people[Role.OWNER].email}
    assert "10 July 2026" in mails[0].text
    assert "They stop until 10 July 2026" in mails[1].text


def test_the_next_month_has_mails_of_its_own(selling: None, marigold: Everything) -> None:
    client = marigold.client
    buy(client, overage_wanted=True)
    for month in (6, 7):
        now = datetime(2026, month, 10, tzinfo=UTC)
        use(client, STANDARD.limits.answers - 1, now=now)
        quota.spend(client, Kind.ANSWERS, now=now)
    assert subjects() == ["marigold GmbH has used all of its answers"] * 2
    assert "It goes on" in OutboxEmail.objects.all()[0].text


def test_an_answer_costs_few_queries(paying: Client, django_assert_max_num_queries) -> None:
    quota.spend(paying, Kind.ANSWERS, now=JUNE)
    with django_assert_max_num_queries(5):  # counter, savepoint and its end, two updates
        quota.spend(paying, Kind.ANSWERS, now=JUNE)


def test_what_is_never_given_back_is_counted_warned_of_and_stopped_all_the_same(
    selling: None, marigold: Everything
) -> None:
    client, limit = marigold.client, STANDARD.limits.answers
    buy(client)

    def spend() -> None:
        quota.spend_for_good(client, Kind.ANSWERS, now=JUNE)

    spend()
    assert counter(client).used == 1
    use(client, limit * 8 // 10 - 3)
    spend()
    assert not subjects()
    spend()
    assert subjects() == ["marigold GmbH has used 80 % of its answers"]
    UsageCounter.objects.update(used=limit - 1)
    spend()
    assert subjects()[1:] == ["marigold GmbH has used all of its answers"]
    with pytest.raises(QuotaExceeded):
        spend()
    assert counter(client).used == limit
    day = UsageDay.objects.get(client=client, kind=Kind.ANSWERS, day=JUNE.date())
    assert day.used == limit * 8 // 10 + 1


def test_while_the_limit_is_far_a_call_reads_no_counter(
    paying: Client, django_assert_num_queries
) -> None:
    quota.spend_for_good(paying, Kind.API_CALLS, now=JUNE)
    with django_assert_num_queries(4):  # savepoint and its end, two updates
        quota.spend_for_good(paying, Kind.API_CALLS, now=JUNE)
