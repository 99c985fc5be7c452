"""What is used and what there is, side by side, for the billing page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.module_loading import import_string

from accounts.models import Client
from billing.entitlement import Entitlement
from billing.models import Kind
from billing.plans import Limits
from billing.quota import limit_of, used_in

NAMES = {
    "documents": "Documents",
    "crawl_pages": "Pages of websites",
    "knowledge_bytes": "Storage",
    "bots": "Chatbots",
    "members": "Members",
}


@dataclass(frozen=True, slots=True)
class Meter:
    name: str
    used: int
    limit: int
    is_bytes: bool = False
    # Whether a full one stops something: one chatbot of one is nothing to worry about.
    warns: bool = True

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.used / self.limit)) if self.limit else 100

    @property
    def words(self) -> str:
        if self.is_bytes:
            return f"{filesizeformat(self.used)} of {filesizeformat(self.limit)}"
        return f"{self.used:,} of {self.limit:,}"


def of_this_month(client: Client, entitlement: Entitlement) -> list[Meter]:
    """What counts anew with each period."""
    used, limits = used_in(client, entitlement), entitlement.plan.limits
    return [
        Meter(kind.label[0].upper() + kind.label[1:], used.get(kind, 0), limit_of(limits, kind))
        for kind in (Kind.ANSWERS, Kind.API_CALLS)
    ]


def of_what_is_there(client: Client, limits: Limits) -> list[Meter]:
    """What counts at any moment. Most of it lies in apps above: the settings name who counts it."""
    held = {"members": client.memberships.count()}
    for path in settings.HOLDINGS:
        count: Callable[[Client], dict[str, int]] = import_string(path)
        held |= count(client)
    return [
        Meter(
            label,
            held.get(name, 0),
            getattr(limits, name),
            is_bytes=name.endswith("_bytes"),
            warns=name not in {"bots", "members"},
        )
        for name, label in NAMES.items()
    ]
