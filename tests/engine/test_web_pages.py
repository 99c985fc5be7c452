"""What pages, sitemaps and robots.txt say."""

from __future__ import annotations

import gzip
import io
import os
import time

import pytest

from knowledge.engine.errors import Unreadable
from knowledge.engine.web.links import links_of
from knowledge.engine.web.robots import Rules
from knowledge.engine.web.sitemap import MOST_BYTES, MOST_ENTRIES, Sitemap, read_sitemap
from tests.services.memory import forget_peak, peak_megabytes

URL = "https://shop.example/help/"


def test_links_are_found_once_each() -> None:
    page = b"""<title> Help
      pages </title><a href="a">1</a><a href="/b#x">2</a><a href="/b">3</a>
      <map><area href="c"></map>
      <a href="mailto:x@y.example">4</a><a>5</a><a rel="nofollow ugc" href="/d">6</a>
      <script>"<a href='/e'>"</script><!-- <a href="/f">7</a> -->"""
    found = links_of(page, URL)
    assert found.title == "Help pages"
    assert found.links == (f"{URL}a", "https://shop.example/b", f"{URL}c")
    assert (found.canonical, found.wants_no_index) == ("", False)


def test_a_base_changes_what_links_mean() -> None:
    found = links_of(b'<base href="/de/"><a href="a">1</a>', URL)
    assert found.links == ("https://shop.example/de/a",)


def test_the_canonical_address_is_told() -> None:
    page = b'<link rel="canonical" href="/help?utm_source=x"><p>Text</p>'
    assert links_of(page, URL).canonical == "https://shop.example/help"


@pytest.mark.parametrize(
    ("name", "content", "hidden", "links"),
    [
        ("robots", "noindex", True, 1),
        ("ROBOTS", "NoIndex, NoFollow", True, 0),
        ("robots", "none", True, 0),
        ("robots", "nofollow", False, 0),
        ("mybot", "noindex", True, 1),
        ("otherbot", "noindex", False, 1),
        ("description", "noindex", False, 1),
    ],
)
def test_what_the_owner_does_not_want(name: str, content: str, hidden: bool, links: int) -> None:
    page = f'<meta name="{name}" content="{content}"><a href="/a">1</a>'.encode()
    found = links_of(page, URL, agent="MyBot")
    assert found.wants_no_index is hidden
    assert len(found.links) == links


@pytest.mark.parametrize("data", [b"", b"  ", b"<!-- -->"])
def test_nothing_is_no_page(data: bytes) -> None:
    with pytest.raises(Unreadable):
        links_of(data, URL)


def test_a_hostile_page_takes_no_time() -> None:
    began = time.monotonic()
    links_of(b"<div>" * 100_000 + b"<a href='/x?" + b"a" * 100_000 + b"'>1</a>", URL)
    links_of(b"".join(b"<a href='/%d'>1</a>" % n for n in range(100_000)), URL)
    links_of(b"\0<p>\0</p>" * 1000, URL)
    assert time.monotonic() - began < 5


SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <url><loc> https://shop.example/a </loc><lastmod>2024-01-01</lastmod></url>
  <url><loc>https://shop.example/b?a=1&amp;b=2</loc></url>
  <url><loc>https://shop.example/a#again</loc></url><url></url>
</urlset>"""


def sitemap_of(data: bytes, url: str) -> Sitemap:
    return read_sitemap(io.BytesIO(data), url)


def test_a_sitemap_names_pages() -> None:
    found = sitemap_of(SITEMAP, URL)
    assert found.pages == ("https://shop.example/a", "https://shop.example/b?a=1&b=2")
    assert found.maps == ()


def test_an_index_names_sitemaps() -> None:
    data = b"<sitemapindex><sitemap><loc>/one.xml</loc></sitemap></sitemapindex>"
    assert sitemap_of(data, URL).maps == ("https://shop.example/one.xml",)


def test_a_list_of_lines_is_a_sitemap_too() -> None:
    data = "\ufeffhttps://shop.example/a\n\nhttps://shop.example/b\n".encode()
    assert len(sitemap_of(data, URL).pages) == 2


def test_a_sitemap_reads_no_files_and_blows_up_nothing() -> None:
    entity = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><urlset><url><loc>/&f;</loc>'
    assert "root" not in str(sitemap_of(entity + b"</url></urlset>", URL))
    laughs = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    for name, inner in zip(b"bcdefghij", b"abcdefghi", strict=True):
        laughs += b'<!ENTITY %c "%s">' % (name, b"&%c;" % inner * 10)
    began = time.monotonic()
    sitemap_of(laughs + b"]><urlset><url><loc>/&j;</loc></url></urlset>", URL)
    assert time.monotonic() - began < 2


def test_a_sitemap_has_an_end() -> None:
    many = b"".join(b"<url><loc>/%d</loc></url>" % n for n in range(MOST_ENTRIES + 100))
    assert len(sitemap_of(b"<urlset>" + many + b"</urlset>", URL).pages) == MOST_ENTRIES


@pytest.mark.parametrize("data", [b"<urlset><url><loc>/a</loc>", b"<a><b></a>", b"<"])
def test_a_damaged_sitemap_breaks_nothing(data: bytes) -> None:
    try:
        sitemap_of(data, URL)
    except Unreadable as error:
        assert "damaged" in str(error)


def test_the_pictures_of_a_page_are_no_pages() -> None:
    data = b"""<urlset xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><url>
      <i:image><i:loc>/cat.jpg</i:loc></i:image><loc>/a</loc><i:image><i:loc>/dog</i:loc></i:image>
      </url><url><loc>/b<!-- --></loc></url><loc>/nowhere</loc></urlset>"""
    found = sitemap_of(data, URL)
    assert found.pages == ("https://shop.example/a", "https://shop.example/b")


@pytest.mark.parametrize("data", [SITEMAP, b"/a\r\n\r\n/b?a=1&b=2\n/a#again"])
def test_a_packed_sitemap_says_the_same(data: bytes) -> None:
    whole = gzip.compress(data)
    assert sitemap_of(whole, URL) == sitemap_of(data, URL)
    assert len(sitemap_of(whole, URL).pages) == 2
    sitemap_of(whole[:-20], URL)  # cut off: no error
    with pytest.raises(Unreadable, match="damaged"):
        sitemap_of(whole[:10] + b"\xff" * 50, URL)


def filled(head: bytes, piece: bytes) -> bytes:
    return head + piece * ((MOST_BYTES - len(head)) // len(piece))


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"<urlset>", b"<x/>"),
        (b"<urlset>", b"<url/>"),
        (b"<urlset><url><loc>", b"a"),
        (b"<urlset><url>", b"<loc>a</loc>"),
        (b"<urlset>", b"<url><loc>/a</loc></url>"),
        (b"/a\n", b"\n"),
        (b"", b"/a "),
    ],
)
def test_a_sitemap_that_is_full_of_nothing_fills_no_memory(head: bytes, piece: bytes) -> None:
    data = gzip.compress(filled(head, piece), 1)
    before = forget_peak(os.getpid())
    sitemap_of(data, URL)
    assert peak_megabytes(os.getpid()) - before < 40


ROBOTS = """
User-agent: *
Disallow: /private
Crawl-delay: 2
User-agent: MyBot
Disallow: /admin
Allow: /admin/open
Crawl-delay: 7
Sitemap: https://shop.example/one.xml
Sitemap: https://shop.example/one.xml
"""


def test_robots_txt_is_read_for_our_name() -> None:
    ours, others = Rules.of(ROBOTS, "MyBot"), Rules.of(ROBOTS, "Other")
    assert ours.allow("https://shop.example/private")
    assert not ours.allow("https://shop.example/admin/x")
    assert ours.allow("https://shop.example/admin/open")
    assert not others.allow("https://shop.example/private/x")
    assert (ours.delay, others.delay) == (7.0, 2.0)
    assert ours.sitemaps == ("https://shop.example/one.xml",)


@pytest.mark.parametrize(
    "text", ["", "<html>not found</html>", "Crawl-delay: inf", "\0\0", "a:b:c"]
)
def test_a_robots_txt_that_is_none_forbids_nothing(text: str) -> None:
    rules = Rules.of(text, "MyBot")
    assert rules.allow("https://shop.example/a")
    assert rules.delay == 0.0


def test_a_hostile_robots_txt_takes_no_time() -> None:
    text = "User-agent: *\n" + "Disallow: /" + "*a" * 500 + "*b\n"
    text += "".join(f"Disallow: /*x{number}*y\n" for number in range(20_000))
    began = time.monotonic()
    Rules.of(text, "MyBot").allow("https://shop.example/" + "a" * 900)
    assert time.monotonic() - began < 2
