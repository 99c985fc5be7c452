"""Count the calls of a client's own programs, as a throttle that REST framework asks."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.models import ApiKey
from billing import quota
from billing.models import Kind


class ApiCalls(BaseThrottle):
    """Spends one API call of the plan for each call with a key. Raises QuotaExceeded."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, ApiKey):
            quota.spend_for_good(cast(Any, request).client, Kind.API_CALLS)
        return True
