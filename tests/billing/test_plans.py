"""The plans: one table for pages, docs, limits and Stripe."""

from __future__ import annotations

import itertools

import pytest
from django.template.defaultfilters import filesizeformat
from django.test import Client as Browser

from billing.plans import (
    BUILT,
    DEMO,
    PAID,
    PLANS,
    TRIAL_DAYS,
    Feature,
    Interval,
    Plan,
    behind,
)
from tests.environment import BASE


def in_docs(plan: Plan) -> list[str]:
    """The column of a plan in docs/billing.md."""
    limits = plan.limits
    return [
        f"free for {TRIAL_DAYS} days" if plan.is_free else f"${plan.monthly:,}",
        "" if plan.is_free else f"${plan.yearly:,}",
        f"{limits.answers:,}",
        f"{plan.overage_cents} cents" if plan.overage_cents else "",
        f"{limits.api_calls:,}",
        filesizeformat(limits.knowledge_bytes).replace(".0", "").replace("\xa0", " "),
        f"{limits.documents:,}",
        f"{limits.crawl_pages:,}",
        f"{limits.bots:,}",
        f"{limits.members:,}",
        f"{limits.voice_minutes:,}",
        f"${limits.model_cost_cents // 100:,}",
        *("yes" if feature in plan.features else "" for feature in Feature),
    ]


def test_the_docs_tell_the_plans_of_the_code() -> None:
    text = (BASE / "docs" / "billing.md").read_text()
    table = text.split("## Plans")[1].split("## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    ]
    assert rows[0][1:] == [plan.name for plan in PLANS]
    told = [list(column) for column in zip(*(row[1:] for row in rows[2:]), strict=True)]
    assert told == [in_docs(plan) for plan in PLANS]
    assert [row[0] for row in rows[-len(Feature) :]] == list(Feature)


@pytest.mark.parametrize("address", ["/", "/pricing/"])
def test_the_price_list_shows_every_plan_and_sells_only_what_is_built(
    db: None, address: str
) -> None:
    page = Browser().get(address).content.decode()
    for plan in PLANS:
        assert f"{plan.limits.answers:,} answers a month" in page
        assert plan.is_free or f"<strong>${plan.monthly}</strong>" in page
    for feature in Feature:
        assert (feature in page) == (feature in BUILT)


def test_a_larger_plan_holds_more_of_everything_for_more() -> None:
    for smaller, larger in itertools.pairwise(PAID):
        assert smaller.monthly < larger.monthly
        assert smaller.features <= larger.features
        for name in smaller.limits.__slots__:
            assert getattr(smaller.limits, name) <= getattr(larger.limits, name)


@pytest.mark.parametrize("plan", PAID, ids=lambda plan: plan.key)
def test_a_year_costs_less_than_twelve_months(plan: Plan) -> None:
    assert plan.price(Interval.YEAR) < 12 * plan.price(Interval.MONTH)


@pytest.mark.parametrize("plan", PAID, ids=lambda plan: plan.key)
@pytest.mark.parametrize("interval", Interval)
def test_a_price_is_known_by_its_name_also_when_the_amount_has_changed_since(
    plan: Plan, interval: Interval
) -> None:
    name = plan.lookup_key(interval)
    assert behind(name) == (plan, interval)
    assert behind(name.rpartition("_")[0] + "_1") == (plan, interval)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "chatbot_gold_month_5",
        "chatbot_basic_week_5",
        "shop_basic_month_29",
        "chatbot_trial_month_0",
        "chatbot_standard_overage_month_3",
        "xchatbot_basic_month_29",
    ],
)
def test_a_foreign_price_is_no_plan(name: str) -> None:
    assert behind(name) is None


def test_where_nothing_is_sold_nothing_runs_out() -> None:
    for plan in PAID:
        assert plan.features <= DEMO.features
        for name in plan.limits.__slots__:
            assert getattr(plan.limits, name) <= getattr(DEMO.limits, name)
