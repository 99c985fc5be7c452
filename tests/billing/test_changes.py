"""Upgrade, downgrade, cancel, resume: what an owner presses, and what is then so at Stripe."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.audit import Action
from accounts.models import AuditEvent
from billing import tasks
from billing.models import SyncRequest
from billing.plans import BASIC, PREMIUM, STANDARD, Interval
from billing.pull import pull
from billing.standing import Standing
from tests.billing.conftest import Payer
from tests.billing.test_checkout import told

CHANGE = "/app/billing/change/"
KEEP = "/app/billing/keep/"
CANCEL = "/app/billing/cancel/"
RESUME = "/app/billing/resume/"
OVERAGE = "/app/billing/overage/"
PORTAL = "/app/billing/portal/"


@pytest.fixture
def standard(payer: Payer) -> Payer:
    payer.subscribe()
    return payer


def order(payer: Payer, wanted: str, once: str = "form1") -> Any:
    return payer.owner.post(CHANGE, {"order": wanted, "once": once})


def prices(payer: Payer) -> list[str]:
    """The names of what the subscription holds at Stripe."""
    items = payer.at_stripe()["items"]["data"]
    return sorted(item["price"]["lookup_key"] for item in items)


def both(plan: Any, interval: Interval = Interval.MONTH) -> list[str]:
    return sorted([plan.lookup_key(interval), plan.overage_lookup_key(interval)])


def test_a_larger_plan_begins_at_once_and_the_rest_of_the_month_is_credited(
    standard: Payer,
) -> None:
    standard.fake.advance(days=15)
    assert order(standard, "premium month").status_code == 302
    assert prices(standard) == both(PREMIUM)
    assert (standard.state.plan, standard.state.amount_cents) == (PREMIUM.key, 29_900)
    proration = standard.fake.invoices(standard.customer)[-1]
    assert proration["status"] == "paid"
    assert 0 < proration["total"] < 29_900 - 9_900 + 100
    page = standard.owner.get("/app/billing/").content.decode()
    assert "You have Premium now" in page
    (event,) = AuditEvent.objects.filter(action=Action.PLAN_ORDERED)
    assert (event.target, event.details) == ("Premium", {"interval": "month"})


def test_the_same_plan_for_a_year_is_an_upgrade(standard: Payer) -> None:
    assert order(standard, "standard year").status_code == 302
    assert prices(standard) == both(STANDARD, Interval.YEAR)
    assert standard.state.interval == Interval.YEAR


def test_a_refused_card_leaves_everything_as_it_was(standard: Payer) -> None:
    before = standard.at_stripe()["items"]["data"]
    standard.fake.card_declines(standard.customer)
    response = order(standard, "premium month")
    assert response.status_code == 402
    assert "declined" in told(response)
    assert [one["id"] for one in standard.at_stripe()["items"]["data"]] == [
        one["id"] for one in before
    ]
    assert standard.state.plan == STANDARD.key
    assert standard.standing() == Standing.ACTIVE
    assert not AuditEvent.objects.filter(action=Action.PLAN_ORDERED).exists()


def test_the_same_form_sent_twice_is_paid_once(standard: Payer) -> None:
    order(standard, "premium month")
    bills = len(standard.fake.invoices(standard.customer))
    again = order(standard, "premium month")
    assert again.status_code == 409
    assert "is Premium already" in told(again)
    assert len(standard.fake.invoices(standard.customer)) == bills


def test_a_smaller_plan_begins_when_what_is_paid_for_ends(standard: Payer) -> None:
    assert order(standard, "basic month").status_code == 302
    assert (
        "Basic begins when the present period ends"
        in standard.owner.get("/app/billing/").content.decode()
    )
    assert prices(standard) == both(STANDARD)
    assert (standard.state.plan, standard.state.next_plan) == (STANDARD.key, BASIC.key)
    standard.fake.advance(days=32)
    pull(standard.client)
    assert prices(standard) == [BASIC.lookup_key(Interval.MONTH)]
    assert (standard.state.plan, standard.state.next_plan) == (BASIC.key, "")
    assert standard.fake.invoices(standard.customer)[-1]["total"] == 2_900


def test_from_year_to_month_waits_for_the_year(payer: Payer) -> None:
    payer.subscribe(STANDARD, Interval.YEAR)
    order(payer, "standard month")
    state = payer.state
    assert (state.plan, state.interval) == (STANDARD.key, Interval.YEAR)
    assert (state.next_plan, state.next_interval) == (STANDARD.key, Interval.MONTH)
    payer.fake.advance(days=367)
    pull(payer.client)
    assert payer.state.interval == Interval.MONTH


def test_a_smaller_plan_can_be_taken_back(standard: Payer) -> None:
    order(standard, "basic month")
    assert standard.owner.post(KEEP, {"once": "form2"}).status_code == 302
    assert standard.state.next_plan == ""
    assert standard.at_stripe()["schedule"] is None
    standard.fake.advance(days=32)
    pull(standard.client)
    assert standard.state.plan == STANDARD.key
    nothing = standard.owner.post(KEEP, {"once": "form3"})
    assert (nothing.status_code, told(nothing)) == (409, "The plan does not change.")


def test_who_ordered_a_smaller_plan_may_still_upgrade_or_order_another(standard: Payer) -> None:
    order(standard, "basic month", "a")
    order(standard, "basic year", "b")
    assert (standard.state.next_plan, standard.state.next_interval) == (BASIC.key, "year")
    order(standard, "premium month", "c")
    assert (standard.state.plan, standard.state.next_plan) == (PREMIUM.key, "")


def test_cancelling_goes_on_until_the_period_ends_and_then_stops(standard: Payer) -> None:
    assert standard.owner.post(CANCEL, {"once": "x"}).status_code == 302
    assert standard.state.cancel_at == standard.state.period_end
    assert standard.standing() == Standing.ACTIVE
    assert "Cancelled: it ends on" in standard.owner.get("/app/billing/").content.decode()
    standard.fake.advance(days=32)
    pull(standard.client)
    assert standard.standing() == Standing.ENDED
    assert not standard.client.is_active


def test_cancelling_drops_a_smaller_plan_that_was_ordered(standard: Payer) -> None:
    order(standard, "basic month")
    assert standard.owner.post(CANCEL, {"once": "x"}).status_code == 302
    assert standard.state.next_plan == ""
    assert standard.at_stripe()["cancel_at_period_end"]


def test_a_refused_card_does_not_lose_the_smaller_plan_that_was_ordered(standard: Payer) -> None:
    order(standard, "basic month", "a")
    standard.fake.card_declines(standard.customer)
    assert order(standard, "premium month", "b").status_code == 402
    pull(standard.client)
    assert (standard.state.plan, standard.state.next_plan) == (STANDARD.key, BASIC.key)


@pytest.mark.parametrize("after", [False, True], ids=["not done", "answer lost"])
def test_a_change_that_fails_does_not_lose_the_smaller_plan_that_was_ordered(
    standard: Payer, after: bool
) -> None:
    order(standard, "basic month", "a")
    path = f"/v1/subscriptions/{standard.subscription}"
    standard.fake.fail(500, path=path, method="POST", after=after, retry=False)
    assert order(standard, "premium month", "b").status_code == 503
    pull(standard.client)
    state = standard.state
    expected = (PREMIUM.key, "") if after else (STANDARD.key, BASIC.key)
    assert (state.plan, state.next_plan) == expected


def test_half_an_order_is_taken_back(standard: Payer) -> None:
    schedules = "/v1/subscription_schedules/"
    standard.fake.fail(500, times=2, path=schedules, method="POST")
    assert order(standard, "basic month", "a").status_code == 503
    assert standard.at_stripe()["schedule"] is None
    assert order(standard, "basic month", "b").status_code == 302
    assert standard.state.next_plan == BASIC.key


def test_a_plan_cannot_change_while_it_is_cancelled(standard: Payer) -> None:
    standard.owner.post(CANCEL, {"once": "x"})
    for wanted in ("basic month", "premium month"):
        response = order(standard, wanted)
        assert response.status_code == 409
        assert "go on after all" in told(response)
    assert standard.state.cancel_at is not None
    page = standard.owner.get("/app/billing/").content.decode()
    assert "Upgrade" not in page


def test_what_was_changed_on_stripes_own_pages_is_known_before_the_next_change(
    standard: Payer,
) -> None:
    standard.fake.set_status(standard.subscription, "canceled")
    response = order(standard, "premium month")
    assert (response.status_code, told(response)) == (409, "There is no subscription to change.")
    assert standard.standing() == Standing.ENDED


def test_cancel_then_resume_is_as_before(standard: Payer) -> None:
    standard.owner.post(CANCEL, {"once": "x"})
    again = standard.owner.post(CANCEL, {"once": "y"})
    assert (again.status_code, told(again)) == (409, "It is cancelled already.")
    assert standard.owner.post(RESUME, {"once": "z"}).status_code == 302
    assert standard.state.cancel_at is None
    standard.fake.advance(days=32)
    pull(standard.client)
    assert standard.standing() == Standing.ACTIVE
    twice = standard.owner.post(RESUME, {"once": "z"})
    assert (twice.status_code, told(twice)) == (409, "It is not cancelled.")


def test_a_plan_cannot_change_while_an_invoice_is_open(standard: Payer) -> None:
    standard.fake.card_declines(standard.customer)
    standard.fake.advance(days=32)
    pull(standard.client)
    response = order(standard, "premium month")
    assert response.status_code == 409
    assert "pay the open invoice first" in told(response)
    page = standard.owner.get("/app/billing/").content.decode()
    assert "as soon as the open invoice is paid" in page
    assert "Upgrade" not in page


@pytest.mark.parametrize("address", [CHANGE, KEEP, CANCEL, RESUME])
def test_without_a_subscription_there_is_nothing_to_change(payer: Payer, address: str) -> None:
    response = payer.owner.post(address, {"order": "basic month", "once": "x"})
    assert (response.status_code, told(response)) == (
        409,
        "There is no subscription to change.",
    )


@pytest.mark.parametrize("address", [CHANGE, CANCEL])
def test_when_stripe_is_down_nothing_changes_and_the_page_says_so(
    standard: Payer, address: str
) -> None:
    standard.fake.fail(500, times=None)
    response = standard.owner.post(address, {"order": "premium month", "once": "x"})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert "does not answer" in told(response)
    assert standard.state.plan == STANDARD.key


def test_a_change_whose_answer_was_lost_is_looked_up_by_the_worker(standard: Payer) -> None:
    path = f"/v1/subscriptions/{standard.subscription}"
    standard.fake.fail(500, path=path, method="POST", after=True, retry=False)
    assert order(standard, "premium month").status_code == 503
    assert standard.state.plan == STANDARD.key
    (request,) = SyncRequest.objects.open().filter(client=standard.client)
    standard.fake.behave()
    tasks.sync_request(request.pk)
    assert standard.state.plan == PREMIUM.key


def test_the_portal_is_ours_and_leads_back(standard: Payer) -> None:
    response: Any = standard.owner.post(PORTAL)
    assert response.status_code == 302
    (visit,) = standard.fake.all("billing_portal.session")
    assert response.url == visit["url"]
    assert visit["customer"] == standard.customer
    assert visit["return_url"] == "http://localhost:8000/app/billing/return/"


def test_further_answers_are_paid_for_only_when_wanted(standard: Payer) -> None:
    def wanted() -> bool:
        return standard.state.overage_wanted

    assert not wanted()
    standard.owner.post(OVERAGE, {"wanted": "on"})
    assert wanted()
    assert "3 cents" in standard.owner.get("/app/billing/").content.decode()
    standard.owner.post(OVERAGE, {})
    assert not wanted()
    assert AuditEvent.objects.filter(action=Action.OVERAGE_CHANGED).count() == 2


def test_a_plan_that_stops_at_its_limit_sells_no_further_answers(payer: Payer) -> None:
    payer.subscribe(BASIC)
    response = payer.owner.post(OVERAGE, {"wanted": "on"})
    assert (response.status_code, told(response)) == (409, "Basic stops at its limit.")


@pytest.mark.parametrize("once", ["", "../../x", "x" * 500, "a b"])
def test_a_made_up_name_of_a_form_does_no_harm(standard: Payer, once: str) -> None:
    assert order(standard, "premium month", once).status_code == 302
    assert standard.state.plan == PREMIUM.key
