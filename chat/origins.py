"""On which sites a bot may stand: the Origin header against the bot's list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest

from chat.models import Bot
from chatbot_saas.lib.errors import Forbidden
from chatbot_saas.lib.net import origin_of

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
ORIGIN = re.compile(rf"(https?)://((\[::1\]|(?:{LABEL}\.)*{LABEL})(?::\d+)?)")


def require_allowed(request: HttpRequest, bot: Bot) -> str:
    """The request's Origin, if this bot may stand there; raises Forbidden otherwise.

    A browser always sends it with a POST from another site. So whoever sends none, or "null", is
    no page that a client could have meant.
    """
    origin = request.headers.get("Origin", "").lower()
    if is_own(request, origin) or matches(origin, bot.allowed_domains):
        return origin
    raise Forbidden("origin_not_allowed", "This chat is not set up for this website.")


def is_own(request: HttpRequest, origin: str) -> bool:
    """One of the product's own pages, under the name that it is known by or was reached by."""
    if not origin:
        return False
    return origin in {origin_of(settings.SITE_URL), f"{request.scheme}://{request.get_host()}"}


def matches(origin: str, domains: Sequence[str]) -> bool:
    """Whether an origin is https (localhost: http too) on one of the hosts of the list."""
    found = ORIGIN.fullmatch(origin)
    if found is None:
        return False
    scheme, netloc, host = found.groups()
    if scheme == "http" and host not in LOCAL_HOSTS:
        return False
    return any(_fits(netloc, host, domain.lower()) for domain in domains)


def _fits(netloc: str, host: str, domain: str) -> bool:
    if domain.startswith("*."):
        return netloc.endswith(domain[1:]) and len(netloc) > len(domain) - 1
    # localhost is a developer's machine, where ports come and go.
    return netloc == domain or (host in LOCAL_HOSTS and host == domain)
