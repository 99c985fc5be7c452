"""Rate limits: so many calls in a window for each address, visitor, bot or client."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from chatbot_saas.lib.errors import TooManyRequests
from chatbot_saas.lib.net import client_address, network_of


def spend(request: HttpRequest, limit: str, key: str) -> None:
    """Count one call of `key` against settings.RATE_LIMITS[limit], or raise TooManyRequests."""
    usage = get_usage(
        request,
        group=limit,
        key=lambda _group, _request: key,
        rate=settings.RATE_LIMITS[limit],
        increment=True,
    )
    if usage is not None and usage["should_limit"]:
        seconds = max(1, int(usage["time_left"]))
        raise TooManyRequests(
            "rate_limited",
            f"That was a lot at once. Please try again in {seconds} seconds.",
            retry_after=seconds,
        )


def spend_by_address(request: HttpRequest, limit: str) -> None:
    spend(request, limit, network_of(address_of(request)))


def address_of(request: HttpRequest) -> str:
    return client_address(request.META, trusted_proxies=settings.TRUSTED_PROXY_COUNT)
