"""Pages and sitemaps read in a process of their own: what comes out, and what hostile ones cost."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace

import pytest

from knowledge.engine.errors import Unreadable
from knowledge.engine.limits import MEGABYTE, Limits
from knowledge.engine.reading_processes import ServerGone
from knowledge.engine.web.apart import LIMITS, read_page, read_sitemap
from knowledge.engine.web.links import MOST_LINKS, links_of
from knowledge.engine.web.sitemap import MOST_ENTRIES
from knowledge.engine.web.telling import MOST_TAGS
from tests.engine.test_sandbox import children, servers
from tests.services.memory import forget_peak, peak_megabytes

URL = "https://shop.example/help/"
MOST_PAGE = 5 * MEGABYTE
PAGE = b"""<title>Hours</title><link rel="canonical" href="/hours"><meta name="robots" content="a">
  <p>We open at <b>nine</b>.</p><a href="/a">A</a><a href="b">B</a>"""


def quiet() -> None:
    pass


def filled(piece: bytes, size: int = MOST_PAGE) -> bytes:
    return piece * (size // len(piece))


LARGE = filled(b"<p>!<b>?", 390_000 * 4)


def test_a_page_says_what_it_would_say_here() -> None:
    found = read_page(PAGE, URL, agent="MyBot", beat=quiet)
    assert found.links == links_of(PAGE, URL, agent="MyBot")
    assert found.links.links == ("https://shop.example/a", f"{URL}b")
    assert len(found.sha256) == 64


def test_only_other_words_are_another_text() -> None:
    def text_of(page: bytes) -> str:
        return read_page(page, URL, agent="", beat=quiet).sha256

    layout = PAGE.replace(b"<p>", b"<script>token=2</script><p class='x'>\n ")
    assert text_of(layout) == text_of(PAGE)
    assert text_of(PAGE.replace(b"nine", b"ten")) != text_of(PAGE)


def test_a_page_of_many_links_says_as_many_as_are_taken() -> None:
    page = b"<p>Words.</p>" + b"".join(
        b"<a href='/%d/%s'>1</a>" % (n, b"x" * 900) for n in range(4000)
    )
    assert len(read_page(page, URL, agent="", beat=quiet).links.links) == MOST_LINKS


@pytest.mark.parametrize(
    "page", [b"", b" ", b"<!-- -->", b"<script>draw()</script><div id=app></div>"]
)
def test_a_page_without_a_text_says_so(page: bytes) -> None:
    with pytest.raises(Unreadable, match="no text in this page"):
        read_page(page, URL, agent="", beat=quiet)


def test_a_sitemap_says_its_addresses() -> None:
    data = b"<urlset>" + b"".join(b"<url><loc>/%d</loc></url>" % n for n in range(60_000))
    found = read_sitemap(gzip.compress(data), URL, beat=quiet)
    assert len(found.pages) == MOST_ENTRIES
    assert found.pages[1] == "https://shop.example/1"
    maps = b"<sitemapindex><sitemap><loc>/one.xml</loc></sitemap></sitemapindex>"
    assert read_sitemap(maps, URL, beat=quiet).maps == ("https://shop.example/one.xml",)


@pytest.mark.parametrize("piece", [b"<p>!", b"<a href=x>", b"<li><a href=/a>x</a>", b"<p x=y>x"])
def test_a_page_that_is_full_of_nothing_is_not_read(piece: bytes) -> None:
    with pytest.raises(Unreadable, match="too complicated"):
        read_page(filled(piece), URL, agent="", beat=quiet)


@pytest.mark.parametrize("piece", [b"<p>!", b"<table><tr><td>x", b"<p " + b"x=y " * 60 + b">x"])
def test_a_page_costs_its_own_process_alone(piece: bytes) -> None:
    """Of the most complicated ones that are read, or almost."""
    body = filled(piece, min(MOST_PAGE, MOST_TAGS * len(piece) // piece.count(b"<")))
    before = forget_peak(os.getpid())
    try:
        read_page(body, URL, agent="", beat=quiet)
    except Unreadable as error:
        assert "complicated" in str(error)
    assert peak_megabytes(os.getpid()) - before < 20
    assert children() == []


@pytest.mark.parametrize("limits", [replace(LIMITS, memory=90 * MEGABYTE), replace(LIMITS, cpu=1)])
def test_what_needs_too_much_says_what_a_shop_owner_understands(limits: Limits) -> None:
    with pytest.raises(Unreadable, match="too complicated"):
        read_page(LARGE, URL, agent="", beat=quiet, limits=limits)
    assert read_page(PAGE, URL, agent="", beat=quiet, limits=limits).links.title == "Hours"


def test_who_is_stopped_meanwhile_leaves_no_process_behind() -> None:
    class Stopped(Exception):
        pass

    def beat() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        read_page(LARGE, URL, agent="", beat=beat)
    assert children() == []


def test_a_page_whose_server_is_killed_is_not_called_unreadable() -> None:
    def kill() -> None:
        for server in servers():
            server.kill()

    with pytest.raises(ServerGone):
        read_page(LARGE, URL, agent="", beat=kill)
    assert read_page(PAGE, URL, agent="", beat=quiet).links.title == "Hours"
