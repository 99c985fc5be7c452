"""Which addresses are public, and which texts name one."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from chatbot_saas.lib.net.errors import Blocked
from chatbot_saas.lib.net.guard import is_public, target_of

_PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255
192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255
198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8
64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::1 64:ff9b:1::127.0.0.1
100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1:: 2002:a00:1::
2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 fec0::1 ff02::1 ff0e::1
"""

_PUBLIC = """
1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 192.167.255.255
2606:4700:4700::1111 2a00:1450:4001:80b::200e 64:ff9b::8.8.8.8
"""


@pytest.mark.parametrize("address", _PRIVATE.split())
def test_it_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", _PUBLIC.split())
def test_it_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://shop.example", "https://shop.example/"),
        ("HTTP://Shop.Example:80/a b?q=ü", "http://shop.example/a%20b?q=%C3%BC"),
        ("https://shop.example:443/a%20b", "https://shop.example/a%20b"),
        ("https://shop.example./", "https://shop.example/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER。example/", "https://xn--bcher-kva.example/"),
        ("https://my_shop.example/", "https://my_shop.example/"),
        ("http://1.1.1.1/", "http://1.1.1.1/"),
        ("http://[2606:4700:4700:0::1111]/", "http://[2606:4700:4700::1111]/"),
        (" https://shop.example/#part ", "https://shop.example/"),
    ],
)
def test_an_address_has_one_form(url: str, written: str) -> None:
    assert target_of(url).url == written


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://",
        "http:///path",
        "http://./",
        "http://shop..example/",
        "http://-shop.example/",
        "http://shop.example:22/",
        "http://shop.example:8080/",
        "http://shop.example:0/",
        "http://shop.example:99999/",
        "http://shop.example:port/",
        "http://user@shop.example/",
        "http://user:word@shop.example/",
        "http://shop.example@127.0.0.1/",
        "http://127.0.0.1#@shop.example/",
        "http://127.0.0.1\\@shop.example/",
        "http://shop.example\\@127.0.0.1/",
        "http://shop.example%2f@127.0.0.1/",
        "http://127%2e0.0.1/",
        "http://127.0.0.1%00.shop.example/",
        "http://shop.example\r\nHost: other/",
        "http://shop.example/\r\nX-Header: 1",
        "http://shop.example/\x00",
        "http://sh\top.example/",
        "http://[::1%25eth0]/",
        "http://[fe80::1%25eth0]/",
        "http://[2606:4700:4700::1111%25eth0]/",
        "http://[::1",
        "http://[v1.fe]/",
        "http://shop.example/" + "a" * 2001,
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 130 + "example/",
        "http://xn--/\u2028",
        "http://localhost/",
        "http://intranet/",
        "http://printer.local/",
        "http://metadata.google.internal/",
        "http://1.0.0.127.in-addr.arpa/",
        "http://256.256.256.256/",
        "http://1.2.3.4.5/",
        "http://1.1.1.1.0x/",
    ],
)
def test_it_is_no_address_of_a_public_website(url: str) -> None:
    with pytest.raises(Blocked) as caught:
        target_of(url)
    assert caught.value.reason.endswith(".")
