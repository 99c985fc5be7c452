"""What of a site is read, and what would never end."""

from __future__ import annotations

import time

import pytest

from knowledge.engine.web.scope import Scope, Variants, is_trap

SITE = "https://shop.example"


@pytest.mark.parametrize("path", ["/", "/a", "/help/returns?lang=de", "/2024/05/news-of-may"])
def test_pages_of_the_site_are_taken(path: str) -> None:
    assert Scope(f"{SITE}/help/").takes(f"{SITE}{path}")


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/",
        "https://blog.shop.example/",
        "https://shop.example.evil.example/",
        "https://shop.example:8443/",
        f"{SITE}/logo.png",
    ],
)
def test_others_are_not(url: str) -> None:
    assert not Scope(SITE).takes(url)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/help/", "/help/a", True),
        ("/help/", "/shop/help/", False),
        ("/help/*", "/help/a/b", True),
        ("*/help/", "/de/help/a", True),
        ("/*.html$", "/a/b.html", True),
        ("/*.html$", "/a/b.html?x=1", False),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("/*a*a$", "/ba", False),
        ("/*a*a$", "/baa", True),
        ("/*?print=*", "/a?print=1", True),
        ("/a+(b", "/a+(b", True),
        ("", "/a", True),
    ],
)
def test_patterns_are_those_of_robots_txt(pattern: str, path: str, fits: bool) -> None:
    assert Scope(SITE, include=[pattern]).takes(SITE + path) is fits
    assert Scope(SITE, exclude=[pattern]).takes(SITE + path) is not fits


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    began = time.monotonic()
    Scope(SITE, include=["/" + "*a" * 500 + "*b"]).takes(f"{SITE}/{'a' * 900}")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "path",
    [
        "/a" * 3,
        "/en/help/en/help",
        "/a/b/c/b/d/b",
        "/" + "/".join(str(n) for n in range(13)),
        "/a?" + "&".join(f"p{n}=1" for n in range(6)),
    ],
)
def test_what_links_make_longer_and_longer_is_a_trap(path: str) -> None:
    assert is_trap(SITE + path)


@pytest.mark.parametrize("path", ["/", "/en/en", "/a/b/a", "/a?x=1&y=2", "/2024/05/05/title"])
def test_common_addresses_are_none(path: str) -> None:
    assert not is_trap(SITE + path)


def seen(make, count: int = 200) -> int:
    """How many of `count` addresses are allowed when each allowed one is added."""
    variants, allowed = Variants(), 0
    for number in range(count):
        url = SITE + make(number)
        if variants.allows(url):
            variants.add(url)
            allowed += 1
    return allowed


@pytest.mark.parametrize(
    "make",
    [
        lambda n: f"/events?month={n}",
        lambda n: f"/calendar/{2000 + n // 12}/{n % 12 + 1:02d}/",
        lambda n: f"/events/{2000 + n}-01/",
        lambda n: f"/list?sort=a&page={n}",
        lambda n: f"/x?tribe-bar-date={n}",
    ],
)
def test_a_calendar_ends_after_a_while(make) -> None:
    assert 10 < seen(make) <= 30


@pytest.mark.parametrize(
    "make",
    [lambda n: f"/article/{n}", lambda n: f"/2024/05/title-{n}", lambda n: f"/p{n}?lang=de"],
)
def test_many_pages_are_no_calendar(make) -> None:
    assert seen(make) == 200


def test_what_is_there_already_counts() -> None:
    known = [f"{SITE}/events?month={number}" for number in range(30)]
    assert not Variants(known).allows(f"{SITE}/events?month=99")
