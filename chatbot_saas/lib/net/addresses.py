"""Addresses of callers: which one to believe, and which network a limit counts."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

IPV6_SUBSCRIBER_BITS = 64


def client_address(meta: Mapping[str, str], *, trusted_proxies: int) -> str:
    """The caller's address, as seen by the outermost of our own `trusted_proxies` proxies.

    Each trusted proxy appends the address that it saw to X-Forwarded-For, so only that many
    entries from the right are facts; whatever stands further left the caller may have made up.
    """
    peer = meta.get("REMOTE_ADDR", "")
    if trusted_proxies < 1:
        return peer
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if len(hops) < trusted_proxies:
        return peer
    return hops[-trusted_proxies]


def network_of(address: str) -> str:
    """The unit that one subscriber holds: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(_without_port(address))
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, IPV6_SUBSCRIBER_BITS), strict=False))


def _without_port(address: str) -> str:
    """Some gateways forward "1.2.3.4:5678" or "[2001:db8::1]:5678"."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def origin_of(url: str) -> str:
    """scheme://host[:port] of an address, as browsers write it in Origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
