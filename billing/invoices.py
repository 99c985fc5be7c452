"""A client's invoices, as dj-stripe keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from djstripe.models import Invoice

from billing.models import BillingState

MOST = 24
SHOWN = ("paid", "open", "uncollectible", "void")


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice for a page. `amount` is in whole units of its currency, with its cents."""

    number: str
    date: datetime
    amount: str
    status: str
    page: str
    pdf: str

    @property
    def is_open(self) -> bool:
        return self.status == "open"


def latest(state: BillingState) -> list[Bill]:
    """The newest first; drafts are not shown."""
    if not state.stripe_customer_id:
        return []
    rows = Invoice.objects.filter(customer__id=state.stripe_customer_id).order_by("-created")
    found = [read(data) for data in rows.values_list("stripe_data", flat=True)[:MOST]]
    return [bill for bill in found if bill.status in SHOWN]


def read(data: Mapping[str, Any]) -> Bill:
    return Bill(
        number=data.get("number") or data["id"],
        date=datetime.fromtimestamp(data.get("created") or 0, UTC),
        amount=f"{(data.get('total') or 0) / 100:,.2f} {str(data.get('currency') or '').upper()}",
        status=str(data.get("status") or ""),
        page=data.get("hosted_invoice_url") or "",
        pdf=data.get("invoice_pdf") or "",
    )
