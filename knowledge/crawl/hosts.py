"""What a server allows, and when it may be asked again: one row for all clients and workers."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from chatbot_saas.lib.net.content import Limits
from chatbot_saas.lib.net.errors import FetchError, Refused
from chatbot_saas.lib.net.fetch import door
from knowledge.engine.web.robots import MOST_BYTES, Rules
from knowledge.engine.web.urls import origin_of
from knowledge.models import WebHost

ROBOTS = Limits(seconds=15, bytes=MOST_BYTES, types=frozenset())
KEPT_FOR = timedelta(hours=24)
KEPT_WHEN_CLOSED = timedelta(minutes=5)
MOST_DELAY = 30.0
MOST_PAUSE = 3600.0
MOST_FAILURES = 8
FORGOTTEN_AFTER = timedelta(days=7)


class Closed(Exception):
    """A server must not be asked now: nobody knows what it allows."""


def host_of(url: str) -> WebHost:
    """The server of an address, with a robots.txt that is not too old."""
    origin = origin_of(url)
    host = WebHost.objects.filter(origin=origin).first()
    if host is not None and host.robots_until > timezone.now():
        return host
    return _asked(origin)


def rules_of(host: WebHost) -> Rules:
    """Raises Closed."""
    if host.closed:
        raise Closed(host.closed)
    return Rules.of(host.robots, settings.CRAWLER_NAME)


def take_turn(host: WebHost, rules: Rules) -> float:
    """0 when the server may be asked now, which counts as asked; else the seconds to wait."""
    now = timezone.now()
    free = WebHost.objects.filter(pk=host.pk, next_at__lte=now)
    if free.update(next_at=now + timedelta(seconds=_delay(rules))):
        return 0.0
    next_at = WebHost.objects.values_list("next_at", flat=True).get(pk=host.pk)
    return max((next_at - now).total_seconds(), 0.01)


def leave_alone(url: str, seconds: float) -> None:
    """Nobody asks this server for so long."""
    until = timezone.now() + timedelta(seconds=min(seconds, MOST_PAUSE))
    WebHost.objects.filter(origin=origin_of(url), next_at__lt=until).update(next_at=until)


def answers(url: str) -> None:
    WebHost.objects.filter(origin=origin_of(url), failures__gt=0).update(failures=0)


def does_not_answer(url: str, reason: str) -> None:
    """Of a server that is down each page would cost the whole time of a call: after some that
    failed one after the other it is left alone for a while."""
    host = WebHost.objects.filter(origin=origin_of(url))
    host.update(failures=F("failures") + 1)
    until = timezone.now() + KEPT_WHEN_CLOSED
    host.filter(failures__gte=MOST_FAILURES).update(
        closed=reason[:300], robots_until=until, failures=0
    )


def forget_old() -> None:
    WebHost.objects.filter(robots_until__lt=timezone.now() - FORGOTTEN_AFTER).delete()


def _delay(rules: Rules) -> float:
    return min(max(rules.delay, settings.CRAWL_DELAY_MILLISECONDS / 1000), MOST_DELAY)


def _asked(origin: str) -> WebHost:
    text, closed = _robots(origin)
    now = timezone.now()
    known = {
        "robots": text.replace("\0", ""),
        "closed": closed[:300],
        "robots_until": now + (KEPT_WHEN_CLOSED if closed else KEPT_FOR),
    }
    host, _ = WebHost.objects.update_or_create(
        origin=origin, defaults=known, create_defaults=known | {"next_at": now}
    )
    return host


def _robots(origin: str) -> tuple[str, str]:
    """The text of robots.txt, and why the server must not be asked ("" when it may).

    As RFC 9309 says: without the file all is allowed; while it cannot be had, nothing.
    """
    try:
        return door.get(f"{origin}/robots.txt", limits=ROBOTS).body.decode(errors="replace"), ""
    except Refused as error:
        is_missing = 400 <= error.status < 500 and error.status != 429
        return "", "" if is_missing else f"Its robots.txt cannot be read. {error.reason}"
    except FetchError as error:
        return "", error.reason
