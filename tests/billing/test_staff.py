"""Billing for our own staff: states, history, links, revenue. The steps: tests/site/test_admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import Client, User
from billing import holds, revenue, tasks
from billing.models import BillingState, RevenueDay, SyncRequest
from billing.plans import BASIC, PREMIUM, STANDARD, Interval
from billing.reconcile import reconcile
from billing.standing import Standing
from chatbot_saas.steps import STEPS
from tests.billing.buying import buy
from tests.billing.conftest import KEY, SECRET, Payer

STAFF = "support (helper@staff.example)"


@pytest.fixture
def desk(db: None) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("helper@staff.example", "a long password"))
    return browser


def page(desk: Browser, name: str, *args: object) -> str:
    response = desk.get(reverse(f"admin:{name}", args=args))
    assert response.status_code == 200
    return response.content.decode()


def test_a_clients_page_shows_where_it_stands_what_happened_and_its_pages_at_stripe(
    desk: Browser, payer: Payer
) -> None:
    payer.subscribe()
    holds.suspend(payer.client, actor=STAFF, reason="Sends spam")
    holds.resume(payer.client, actor=STAFF, reason="Sorted out")
    text = page(desk, "billing_billingstate_change", payer.state.pk)
    assert f"https://dashboard.stripe.com/test/customers/{payer.customer}" in text
    assert f"https://dashboard.stripe.com/test/subscriptions/{payer.subscription}" in text
    assert reverse("admin:accounts_client_change", args=[payer.client.pk]) in text
    assert "plan is now standard" in text
    assert "suspended the company marigold GmbH (Sends spam)" in text
    assert "lifted the suspension marigold GmbH (Sorted out)" in text
    for secret in (KEY, SECRET):
        assert secret not in text


def test_a_company_name_is_no_markup_in_the_history(desk: Browser, db: None) -> None:
    client = Client.objects.create(name="<b>Bold</b>")
    holds.suspend(client, actor=STAFF, reason="<script>alert(1)</script>")
    text = page(desk, "billing_billingstate_change", BillingState.objects.get().pk)
    assert "<script>alert" not in text
    assert "<b>Bold" not in text


@pytest.mark.parametrize(
    "name",
    [
        "billing_billingstate_changelist",
        "billing_syncrequest_changelist",
        "billing_checkout_changelist",
        "billing_usagecounter_changelist",
        "billing_stripeobject_changelist",
        "billing_revenue",
    ],
)
def test_each_page_of_billing_is_there_for_staff_and_nobody_else(
    desk: Browser, payer: Payer, name: str
) -> None:
    payer.subscribe()
    page(desk, name)
    assert payer.owner.get(reverse(f"admin:{name}")).status_code in {302, 403}
    without_rights = Browser()
    clerk = User.objects.create_user("clerk@staff.example", "a long password", is_staff=True)
    without_rights.force_login(clerk)
    assert without_rights.get(reverse(f"admin:{name}")).status_code == 403


def test_staff_let_stripe_be_asked_again(payer: Payer) -> None:
    payer.subscribe()
    payer.fake.set_status(payer.subscription, "canceled")
    STEPS["stripe"].run(payer.client, STAFF, reason="They called")
    (request,) = SyncRequest.objects.open()
    tasks.sync_request(request.pk)
    assert payer.standing() == Standing.ENDED


def test_more_grace_counts_from_where_grace_would_have_ended(selling: None, acme: Client) -> None:
    failed = timezone.now() - timedelta(days=5)
    buy(acme, status="past_due", past_due_since=failed)
    until = holds.extend_grace(acme, actor=STAFF, days=10, reason="Bank holiday")
    assert until == failed + timedelta(days=17)
    assert reconcile(acme, failed + timedelta(days=16)).standing == Standing.GRACE
    assert reconcile(acme, failed + timedelta(days=17)).standing == Standing.GRACE_OVER


def test_free_time_ends_by_itself(selling: None, acme: Client) -> None:
    buy(acme, status="canceled")
    until = holds.give_time(acme, actor=STAFF, days=30, reason="Thanks for the report")
    assert reconcile(acme).standing == Standing.COMPLIMENTARY
    BillingState.objects.update(complimentary_until=until - timedelta(days=31))
    tasks.look_at_clocks()
    acme.refresh_from_db()
    assert not acme.is_active


def customers(count: int, **fields: object) -> None:
    for number in range(count):
        client = Client.objects.create(name=f"Customer {number}")
        plan, interval = fields.get("plan", BASIC), fields.get("interval", Interval.MONTH)
        cents = plan.price(interval) * 100  # type: ignore[attr-defined]
        state = {"status": "active", "standing": "active", **fields}
        state |= {"plan": plan.key, "amount_cents": cents}  # type: ignore[attr-defined]
        BillingState.objects.create(client=client, **state)


def test_revenue_adds_up_what_recurs_each_month(db: None) -> None:
    customers(3, plan=BASIC)
    customers(2, plan=STANDARD, interval=Interval.YEAR)
    customers(1, plan=PREMIUM, standing="grace", status="past_due")
    customers(4, plan=BASIC, standing="trial", status="")
    customers(2, plan=BASIC, standing="grace_over", status="past_due")
    customers(5, plan=PREMIUM, standing="ended", status="canceled")
    now = revenue.overview()
    assert [(line.name, line.clients, line.mrr_cents) for line in now.lines] == [
        ("Basic", 3, 8_700),
        ("Standard", 2, 16_500),
        ("Premium", 1, 29_900),
    ]
    assert (now.mrr_cents, now.paying, now.trials) == (55_100, 6, 4)
    assert (now.past_due, now.lapsed, now.alerts) == (1, 2, 0)


def test_each_day_is_written_down_once_and_plotted(desk: Browser, selling: None) -> None:
    customers(3, plan=BASIC)
    tasks.note_revenue()
    customers(1, plan=PREMIUM, alert="2 subscriptions at once: the client pays twice.")
    tasks.note_revenue()
    day = RevenueDay.objects.get()
    assert (day.mrr_cents, day.paying) == (38_600, 4)
    text = page(desk, "billing_revenue")
    assert "$386" in text
    assert text.count('<svg class="chart"') == 3
    assert f"{day.day.day} {day.day:%b}: 386 dollars" in text
    assert "need a look" in text


def test_churn_is_who_ended_of_those_who_paid_a_month_ago(db: None) -> None:
    today = timezone.now().date()
    for ago, paying, ended in ((40, 50, 9), (29, 40, 0), (10, 39, 1), (1, 38, 1)):
        RevenueDay.objects.create(
            day=today - timedelta(days=ago),
            mrr_cents=0,
            paying=paying,
            trials=0,
            past_due=0,
            ended=ended,
        )
    days = revenue.last_days(90, today)
    assert len(days) == 90
    assert revenue.churn(days) == 5.0
    assert revenue.churn([]) is None


def test_who_ended_today_counts_once(selling: None, acme: Client) -> None:
    buy(acme)
    reconcile(acme)
    BillingState.objects.update(status="canceled")
    for _ in range(2):
        reconcile(acme)
    revenue.note_today()
    assert RevenueDay.objects.get().ended == 1


def test_lists_of_states_ask_as_few_queries_for_many_as_for_one(
    desk: Browser, django_assert_max_num_queries
) -> None:
    customers(40, plan=BASIC)
    with django_assert_max_num_queries(14):
        page(desk, "billing_billingstate_changelist")
    with django_assert_max_num_queries(12):
        page(desk, "billing_revenue")
