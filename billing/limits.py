"""What a plan holds at any moment: documents, bytes, bots, members, features.

Each asks with what there is already: what was there before a smaller plan stays, and only more of
it is refused.
"""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat

from accounts.models import Client
from billing.entitlement import entitlement_of
from billing.gate import PaymentRequired
from billing.plans import Feature


class PlanLimit(PaymentRequired):
    title = "Your plan does not hold more"


def require_document(client: Client, *, documents: int, used_bytes: int, new_bytes: int) -> None:
    """Raise PlanLimit when one more document of `new_bytes` is too many, or too large."""
    plan = entitlement_of(client).plan
    if documents >= plan.limits.documents:
        raise _limit(f"{plan.name} holds {plan.limits.documents:,} documents")
    require_bytes(client, used_bytes=used_bytes, new_bytes=new_bytes)


def require_bytes(client: Client, *, used_bytes: int, new_bytes: int) -> None:
    plan = entitlement_of(client).plan
    if used_bytes + new_bytes > plan.limits.knowledge_bytes:
        raise _limit(
            f"{plan.name} holds {filesizeformat(plan.limits.knowledge_bytes)} of documents"
        )


def require_page(client: Client, *, pages: int) -> int:
    """How many more pages of websites there may be; raises PlanLimit when there are none."""
    plan = entitlement_of(client).plan
    if pages >= plan.limits.crawl_pages:
        raise _limit(f"{plan.name} holds {plan.limits.crawl_pages:,} pages of websites")
    return plan.limits.crawl_pages - pages


def require_bot(client: Client, *, bots: int) -> None:
    plan = entitlement_of(client).plan
    if bots >= plan.limits.bots:
        raise _limit(f"{plan.name} has {plan.limits.bots} chatbots")


def require_seat(client: Client, taken: int) -> None:
    """Raise PlanLimit when nobody else can be invited; see settings.SEAT_CHECK."""
    plan = entitlement_of(client).plan
    if taken >= plan.limits.members:
        raise _limit(f"{plan.name} has room for {plan.limits.members} members")


def require_feature(client: Client, feature: Feature) -> None:
    plan = entitlement_of(client).plan
    if feature not in plan.features:
        raise PlanLimit("plan_limit", f"“{feature}” is not part of {plan.name}.")


def _limit(what: str) -> PlanLimit:
    return PlanLimit("plan_limit", f"{what}. What is there stays; a larger plan holds more.")
