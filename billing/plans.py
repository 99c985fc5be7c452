"""The plans: one table for the landing page, the dashboard, the limits and Stripe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GIGABYTE = 1024**3
TRIAL_DAYS = 14
CURRENCY = "USD"


class PlanKey(StrEnum):
    TRIAL = "trial"
    BASIC = "basic"
    STANDARD = "standard"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may use in one period; the last three at any moment."""

    answers: int
    api_calls: int
    knowledge_bytes: int
    documents: int
    bots: int
    members: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Prices in whole units of CURRENCY, for a month and for a year."""

    key: PlanKey
    name: str
    tagline: str
    monthly: int
    yearly: int
    limits: Limits

    @property
    def is_free(self) -> bool:
        return self.monthly == 0


PLANS: tuple[Plan, ...] = (
    Plan(
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
            bots=1,
            members=3,
        ),
    ),
    Plan(
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
            bots=1,
            members=3,
        ),
    ),
    Plan(
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
            bots=3,
            members=10,
        ),
    ),
    Plan(
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
            bots=20,
            members=100,
        ),
    ),
)
