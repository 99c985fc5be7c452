from __future__ import annotations

import pytest

from tests.house import Tenant

RETURNS = """# Returns

You may return unworn goods within 60 days of delivery.

## Costs

Returns from Germany are free. From all other countries they cost £4.95.
"""


@pytest.fixture
def taught(shop: Tenant) -> Tenant:
    """A shop that answers by quotation and knows how returns work."""
    shop.learn("returns.md", RETURNS)
    return shop


@pytest.fixture
def talking(speaking: Tenant) -> Tenant:
    """The same, answered by the fake model."""
    speaking.learn("returns.md", RETURNS)
    return speaking
