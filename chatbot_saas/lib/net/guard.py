"""Which addresses we go to: public ones, by http or https, named in one way only.

A host name is taken apart here and nowhere else. What is checked is what is connected to, so no
second reader can understand the same text differently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, quote, urlsplit

import idna

from chatbot_saas.lib.net.errors import Blocked

PORTS = {"http": 80, "https": 443}
MOST_CHARACTERS = 2000
NO_NAME = "This is not the name of a website."

LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# The last part of an address in numbers, in any of the ways in which C libraries read them.
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
# Of names: they never lead to a public site, and asking for them would tell of our own network.
PRIVATE_NAMES = frozenset(
    {"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa"}
)
SAFE_IN_PATH = "%/:@!$&'()*+,;=-._~"

# https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-special-registry
PRIVATE_V4 = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number, but the host of a machine at Azure
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
PUBLIC_V6 = ip_network("2000::/3")
# Within it: what wraps an IPv4 address (Teredo, 6to4), and what is for documentation.
PRIVATE_V6 = [
    ip_network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]
NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """An address as we write it. `host` is in ASCII, or a number; `path` has its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"


def target_of(url: str, *, ports: frozenset[int] = frozenset(PORTS.values())) -> Target:
    """What an address names. Raises Blocked for all but http and https addresses of a host that
    could be public."""
    if len(url) > MOST_CHARACTERS:
        raise Blocked(f"This address is longer than {MOST_CHARACTERS} letters.")
    if UNPRINTABLE.search(url):
        raise Blocked("There are characters in this address that do not belong there.")
    parts, port = _split(url.strip())
    if parts.scheme not in PORTS:
        raise Blocked("Only addresses that begin with http:// or https:// can be asked.")
    if "@" in parts.netloc:
        raise Blocked("An address must not contain a user name or password.")
    if "[" in parts.netloc and ":" not in (parts.hostname or ""):
        raise Blocked(NO_NAME)
    port = PORTS[parts.scheme] if port is None else port
    if port not in ports:
        raise Blocked(f"Port {port} is not one of a public website.")
    query = f"?{quote(parts.query, safe=SAFE_IN_PATH + '/?')}" if parts.query else ""
    path = quote(parts.path or "/", safe=SAFE_IN_PATH)
    return Target(parts.scheme, _host(parts.hostname or ""), port, path + query)


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError as error:
        raise Blocked("This is not an address of a web page.") from error


def _host(name: str) -> str:
    """The name in the one form that we use, or the number. Raises Blocked."""
    if ":" in name:
        return str(checked(name))
    host = _ascii(name).removesuffix(".")
    labels = host.split(".")
    if NUMBER.fullmatch(labels[-1]):
        return str(checked(host))
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise Blocked(NO_NAME)
    if len(labels) == 1 or labels[-1] in PRIVATE_NAMES:
        raise Blocked(f"“{host}” is not the name of a public website.")
    return host


def _ascii(name: str) -> str:
    """Letters of all scripts as DNS wants them; look-alikes of dots and digits become these."""
    if name.isascii():
        return name.lower()
    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        raise Blocked(NO_NAME) from error


def checked(address: str) -> IPv4Address | IPv6Address:
    """The number of an address, if it is a public one. Raises Blocked."""
    try:
        parsed = ip_address(address)
    except ValueError as error:
        raise Blocked(NO_NAME) from error
    if "%" in address or not is_public(parsed):  # the network card that it is meant for
        raise Blocked("This address does not lead to a public website.")
    return parsed


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public internet, whatever it is written as.

    Python's own opinion counts too, but not alone: it differs between versions.
    """
    if isinstance(address, IPv6Address) and address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in PRIVATE_V4)
    return address in PUBLIC_V6 and not any(address in network for network in PRIVATE_V6)
