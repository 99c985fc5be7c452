"""One page, one address."""

from __future__ import annotations

import pytest

from knowledge.engine.web.urls import is_page, key_of, normal, site_of

BASE = "https://shop.example/help/start.html?x=1"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://Shop.Example:443/a", "https://shop.example/a"),
        ("http://shop.example:80", "http://shop.example/"),
        ("http://shop.example:8080/", "http://shop.example:8080/"),
        ("returns", "https://shop.example/help/returns"),
        ("../a/./b/../c", "https://shop.example/a/c"),
        ("/../../a", "https://shop.example/a"),
        ("//other.example/a", "https://other.example/a"),
        ("#part", "https://shop.example/help/start.html?x=1"),
        ("/a#part", "https://shop.example/a"),
        ("/a?b=2&a=1", "https://shop.example/a?a=1&b=2"),
        ("/a?utm_source=x&gclid=1&fbclid=2&q=1", "https://shop.example/a?q=1"),
        ("/a?utm_source=x", "https://shop.example/a"),
        ("/a?", "https://shop.example/a"),
        ("/a;jsessionid=12AB?q=1", "https://shop.example/a?q=1"),
        ("/a b", "https://shop.example/a%20b"),
        ("/%7euser/%e4?q=%e4", "https://shop.example/~user/%E4?q=%E4"),
        ("/100%/a%2fb", "https://shop.example/100%25/a%2Fb"),
        ("/a?print&b", "https://shop.example/a?b&print"),
        ("/a?q=a+b%20c&r=", "https://shop.example/a?q=a+b%20c&r="),
        ("/Gr%C3%BC%C3%9Fe", "https://shop.example/Gr%C3%BC%C3%9Fe"),
        ("/Grüße", "https://shop.example/Gr%C3%BC%C3%9Fe"),
        (" /a\n", "https://shop.example/a"),
        ("/a/", "https://shop.example/a/"),
    ],
)
def test_an_address_is_brought_into_its_form(url: str, found: str) -> None:
    assert normal(url, BASE) == found
    assert normal(found) == found


@pytest.mark.parametrize(
    "url",
    [
        "mailto:a@shop.example",
        "javascript:void(0)",
        "tel:+49",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "data:text/html,a",
        "http://",
        "http://[",
        "http://shop.example:port/",
        "https://user:word@shop.example/",
        "/" + "a" * 1001,
    ],
)
def test_what_is_no_page_of_the_web_has_none(url: str) -> None:
    assert normal(url, BASE) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/a",
        "https://shop.example/a/",
        "https://www.shop.example/a",
        "https://shop.example/a/index.html",
        "https://shop.example/a/index.php",
    ],
)
def test_habits_of_the_web_make_no_new_page(url: str) -> None:
    assert key_of(url) == "shop.example/a"


def test_queries_and_letters_do() -> None:
    urls = ["/a", "/A", "/a?q=1", "/a?q=2", "/a/b"]
    assert len({key_of(f"https://shop.example{one}") for one in urls}) == len(urls)


def test_a_site_is_a_host_and_a_port() -> None:
    assert (
        site_of("https://www.shop.example/a") == site_of("http://shop.example/") == "shop.example"
    )
    assert site_of("http://shop.example:8080/") != site_of("http://shop.example/")
    assert site_of("https://blog.shop.example/") != site_of("https://shop.example/")


@pytest.mark.parametrize("name", ["a.pdf", "a.JPG", "a.css", "feed.xml", "a.tar.gz"])
def test_files_are_no_pages(name: str) -> None:
    assert not is_page(f"https://shop.example/{name}")


@pytest.mark.parametrize("name", ["", "a", "a.html", "a.php", "a.de", "v1.2", "a?file=b.pdf"])
def test_pages_are(name: str) -> None:
    assert is_page(f"https://shop.example/{name}")
