"""The plans: one table for the landing page, the dashboard, the docs, the limits and Stripe."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

GIGABYTE = 1024**3
TRIAL_DAYS = 14
CURRENCY = "USD"
# Written before every lookup key, so that a Stripe account may serve other products too.
LOOKUP_PREFIX = "chatbot"


class PlanKey(StrEnum):
    TRIAL = "trial"
    BASIC = "basic"
    STANDARD = "standard"
    PREMIUM = "premium"
    DEMO = "demo"


class Interval(StrEnum):
    MONTH = "month"
    YEAR = "year"


class Feature(StrEnum):
    """What a plan has or has not, in the words of the price list."""

    RETENTION = "Your own retention period"
    NO_BRANDING = "The widget without our name"
    WEBHOOKS = "Webhooks to your own systems"
    EVALUATION = "Evaluation of answers"
    OWN_MODEL = "Your own model key"


# What the product does today: a price list does not sell what is not there yet.
BUILT = frozenset({Feature.RETENTION, Feature.NO_BRANDING})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may use. Answers, API calls, minutes and model cost count in each month of
    its subscription; the others at any moment."""

    answers: int
    api_calls: int
    knowledge_bytes: int
    documents: int
    crawl_pages: int
    bots: int
    members: int
    voice_minutes: int
    model_cost_cents: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Prices in whole units of CURRENCY, for a month and for a year.

    `overage_cents` buys one more answer than the limit, where the client wants that; None is a
    hard stop.
    """

    key: PlanKey
    name: str
    tagline: str
    monthly: int
    yearly: int
    limits: Limits
    features: frozenset[Feature] = frozenset()
    overage_cents: int | None = None

    @property
    def is_free(self) -> bool:
        return self.monthly == 0

    @property
    def offered(self) -> list[Feature]:
        """Its features for the price list, in the order of the list."""
        return [one for one in Feature if one in self.features and one in BUILT]

    def price(self, interval: Interval) -> int:
        return self.monthly if interval == Interval.MONTH else self.yearly

    def lookup_key(self, interval: Interval) -> str:
        """The name of its price at Stripe."""
        return f"{LOOKUP_PREFIX}_{self.key}_{interval}_{self.price(interval)}"

    def overage_lookup_key(self, interval: Interval) -> str:
        return f"{LOOKUP_PREFIX}_{self.key}_overage_{interval}_{self.overage_cents}"


TRIAL = Plan(
    PlanKey.TRIAL,
    "Trial",
    f"{TRIAL_DAYS} days to try it, without a card",
    monthly=0,
    yearly=0,
    limits=Limits(
        answers=500,
        api_calls=5_000,
        knowledge_bytes=GIGABYTE // 4,
        documents=100,
        crawl_pages=200,
        bots=1,
        members=3,
        voice_minutes=30,
        model_cost_cents=500,
    ),
    features=frozenset({Feature.RETENTION}),
)
BASIC = Plan(
    PlanKey.BASIC,
    "Basic",
    "One site with a help centre",
    monthly=29,
    yearly=290,
    limits=Limits(
        answers=1_000,
        api_calls=10_000,
        knowledge_bytes=GIGABYTE,
        documents=200,
        crawl_pages=500,
        bots=1,
        members=3,
        voice_minutes=60,
        model_cost_cents=1_000,
    ),
)
STANDARD = Plan(
    PlanKey.STANDARD,
    "Standard",
    "A busy site, a team and its own programs",
    monthly=99,
    yearly=990,
    limits=Limits(
        answers=5_000,
        api_calls=100_000,
        knowledge_bytes=5 * GIGABYTE,
        documents=2_000,
        crawl_pages=5_000,
        bots=3,
        members=10,
        voice_minutes=600,
        model_cost_cents=4_000,
    ),
    features=frozenset({Feature.RETENTION, Feature.NO_BRANDING, Feature.WEBHOOKS}),
    overage_cents=3,
)
PREMIUM = Plan(
    PlanKey.PREMIUM,
    "Premium",
    "Several brands, own models, high volume",
    monthly=299,
    yearly=2_990,
    limits=Limits(
        answers=25_000,
        api_calls=1_000_000,
        knowledge_bytes=50 * GIGABYTE,
        documents=20_000,
        crawl_pages=50_000,
        bots=20,
        members=100,
        voice_minutes=6_000,
        model_cost_cents=15_000,
    ),
    features=frozenset(Feature),
    overage_cents=2,
)
# Of an installation that takes no payments: nothing is sold, so nothing runs out.
DEMO = Plan(
    PlanKey.DEMO,
    "Everything",
    "This installation takes no payments",
    monthly=0,
    yearly=0,
    limits=Limits(
        answers=10_000_000,
        api_calls=100_000_000,
        knowledge_bytes=1024 * GIGABYTE,
        documents=1_000_000,
        crawl_pages=1_000_000,
        bots=1_000,
        members=100_000,
        voice_minutes=1_000_000,
        model_cost_cents=100_000_000,
    ),
    features=frozenset(Feature),
)

PLANS = (TRIAL, BASIC, STANDARD, PREMIUM)
PAID = (BASIC, STANDARD, PREMIUM)
LOWEST_PAID = BASIC
BY_KEY = {plan.key: plan for plan in (*PLANS, DEMO)}
_LOOKUP_KEY = re.compile(rf"{LOOKUP_PREFIX}_([a-z]+)_(month|year)_[0-9]+")


def plan_of(key: str) -> Plan:
    return BY_KEY[PlanKey(key)]


def behind(lookup_key: str) -> tuple[Plan, Interval] | None:
    """The plan that a price at Stripe stands for, by the price's name; None for foreign prices.

    Its amount does not matter: whoever bought at an older price keeps the plan and the price.
    """
    found = _LOOKUP_KEY.fullmatch(lookup_key)
    plan = next((one for one in PAID if found and one.key == found[1]), None)
    return (plan, Interval(found[2])) if found and plan else None
