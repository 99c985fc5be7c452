"""Which address to believe, and what a limit counts."""

from __future__ import annotations

import pytest

from chatbot_saas.lib.net import client_address, network_of, origin_of

PEER = "10.0.0.1"


def address(forwarded: str | None, proxies: int) -> str:
    meta = {"REMOTE_ADDR": PEER}
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_address(meta, trusted_proxies=proxies)


@pytest.mark.parametrize("forwarded", [None, "", "1.1.1.1", "1.1.1.1, 2.2.2.2"])
def test_without_a_proxy_of_ours_only_the_connection_counts(forwarded: str | None) -> None:
    assert address(forwarded, 0) == PEER


@pytest.mark.parametrize(
    ("forwarded", "proxies", "believed"),
    [
        ("2.2.2.2", 1, "2.2.2.2"),
        ("made up, 1.1.1.1, 2.2.2.2", 1, "2.2.2.2"),
        ("1.1.1.1, 2.2.2.2", 2, "1.1.1.1"),
        ("made up, 1.1.1.1, 2.2.2.2", 2, "1.1.1.1"),
        (" 2.2.2.2 ,", 1, "2.2.2.2"),
        ("2001:db8::1", 1, "2001:db8::1"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    forwarded: str, proxies: int, believed: str
) -> None:
    assert address(forwarded, proxies) == believed


@pytest.mark.parametrize("forwarded", [None, "", " , "])
def test_a_request_that_came_around_the_proxy_counts_as_its_connection(
    forwarded: str | None,
) -> None:
    assert address(forwarded, 1) == PEER


def test_too_few_entries_for_our_proxies_are_not_believed() -> None:
    assert address("1.1.1.1", 2) == PEER


def test_no_forgery_of_any_length_changes_what_one_proxy_saw() -> None:
    for count in range(20):
        assert address(", ".join([*(["6.6.6.6"] * count), "2.2.2.2"]), 1) == "2.2.2.2"


def test_a_request_without_an_address_has_none() -> None:
    assert client_address({}, trusted_proxies=0) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("2001:DB8:1:2::1", "2001:0db8:0001:0002::9"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("fe80::1%eth0", "fe80::2"),
        ("1.2.3.4:5678", "1.2.3.4"),
        ("[2001:db8:1:2::1]:5678", "2001:db8:1:2::9"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::9"),
    ],
)
def test_one_subscriber_is_one_network(one: str, other: str) -> None:
    assert network_of(one) == network_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("1.2.3.4", "1.2.3.5"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.5"),
    ],
)
def test_neighbours_are_not_counted_together(one: str, other: str) -> None:
    assert network_of(one) != network_of(other)


@pytest.mark.parametrize("text", ["", "unknown", "1.2.3", "[", ":", "1.2.3.4:5:6", "x" * 10_000])
def test_what_is_no_address_is_one_network_for_all(text: str) -> None:
    assert network_of(text) == "unknown"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.Example/a/b?c#d", "https://shop.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_an_address_without_its_path(url: str, origin: str) -> None:
    assert origin_of(url) == origin
