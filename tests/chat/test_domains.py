"""Websites as people write them."""

from __future__ import annotations

import pytest

from chat.domains import BadDomain, clean_domain


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("shop.example.com", "shop.example.com"),
        ("  Shop.Example.COM ", "shop.example.com"),
        ("https://shop.example.com/cart?x=1#top", "shop.example.com"),
        ("http://shop.example.com:8443/", "shop.example.com:8443"),
        ("*.example.com", "*.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("localhost:3000", "localhost:3000"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_website_is_understood(written: str, kept: str) -> None:
    assert clean_domain(written) == kept
    assert clean_domain(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        "", "shop", "*", "*.com*", "*.localhost", "a b.example", "shop..example.com", "-a.example",
        "shop.example.com:99999", "shop.example.com:x", "javascript:alert(1)", "ex.ample;x",
        "*.*.example.com", "1.2.3.4", "a'b.example", "x" * 64 + ".example", "ﬃ..example",
        "user@shop.example.com", "shop.example.com\\evil",
    ],
)  # fmt: skip
def test_what_is_no_website_is_refused_in_words(written: str) -> None:
    with pytest.raises(BadDomain):
        clean_domain(written)
