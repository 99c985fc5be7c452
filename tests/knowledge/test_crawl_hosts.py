"""What servers allow, and how fast: one row for all workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from knowledge.crawl import hosts
from knowledge.crawl.hosts import Closed
from knowledge.engine.web.robots import Rules
from knowledge.models import WebHost
from tests.fakes.site import FakeWeb, Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings) -> Iterator[Site]:
    with FakeWeb() as internet:
        settings.FETCH_ALLOWED_PRIVATE = {"*.test": ("127.0.0.1", internet.port)}
        yield internet.site("shop.test")


def rules(text: str = "") -> Rules:
    return Rules.of(text, "ChatbotSaasBot")


def test_robots_txt_is_asked_for_once_a_day(site: Site) -> None:
    site.robots("User-agent: *\nDisallow: /a")
    for _ in range(3):
        found = hosts.rules_of(hosts.host_of(f"{site.url}b"))
        assert not found.allow(f"{site.url}a")
    assert len(site.asked) == 1
    WebHost.objects.update(robots_until=timezone.now())
    hosts.host_of(site.url)
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    ("status", "is_open"), [(404, True), (403, True), (500, False), (429, False)]
)
def test_without_rules_all_is_allowed_and_without_an_answer_nothing(
    site: Site, status: int, is_open: bool
) -> None:
    site.remove("/robots.txt", status)
    host = hosts.host_of(site.url)
    if is_open:
        assert hosts.rules_of(host).allow(site.url)
        return
    with pytest.raises(Closed):
        hosts.rules_of(host)
    assert host.robots_until < timezone.now() + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0.5, 1.0),
        ("User-agent: *\nCrawl-delay: 8", 7, 8),
        ("User-agent: *\nRequest-rate: 1/5", 4, 5),
        ("User-agent: *\nCrawl-delay: 100000", 29, 30),
        ("User-agent: *\nCrawl-delay: -5", 0.5, 1.0),
    ],
)
def test_the_next_call_waits_as_long_as_the_site_wants(
    settings, site: Site, text: str, least: float, most: float
) -> None:
    settings.CRAWL_DELAY_MILLISECONDS = 1000
    host = hosts.host_of(site.url)
    assert hosts.take_turn(host, rules(text)) == 0
    assert least < hosts.take_turn(host, rules(text)) <= most


def test_a_server_that_asks_for_time_gets_it_but_not_for_ever(site: Site) -> None:
    host = hosts.host_of(site.url)
    hosts.leave_alone(site.url, 120)
    assert 115 < hosts.take_turn(host, rules()) <= 120
    hosts.leave_alone(site.url, 10**9)
    assert hosts.take_turn(host, rules()) <= 3600


def test_a_server_that_is_down_is_left_alone_for_a_while(site: Site) -> None:
    hosts.host_of(site.url)
    for _ in range(hosts.MOST_FAILURES - 1):
        hosts.does_not_answer(site.url, "No.")
    hosts.answers(site.url)
    hosts.does_not_answer(site.url, "No.")
    hosts.rules_of(hosts.host_of(site.url))
    for _ in range(hosts.MOST_FAILURES):
        hosts.does_not_answer(site.url, "No.")
    with pytest.raises(Closed, match="No"):
        hosts.rules_of(hosts.host_of(site.url))


def test_servers_that_nobody_asks_are_forgotten(site: Site) -> None:
    hosts.host_of(site.url)
    hosts.forget_old()
    assert WebHost.objects.count() == 1
    WebHost.objects.update(robots_until=timezone.now() - timedelta(days=8))
    hosts.forget_old()
    assert WebHost.objects.count() == 0
