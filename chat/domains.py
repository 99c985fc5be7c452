"""Names of websites as clients write them, into the form that origins are compared with."""

from __future__ import annotations

import re

from chat.origins import LABEL, LOCAL_HOSTS

HOST = re.compile(rf"(\*\.)?((?:{LABEL}\.)+[a-z0-9-]*[a-z][a-z0-9-]*|localhost)(:[0-9]{{1,5}})?")
MOST_CHARACTERS = 253
MOST_LABEL = 63


class BadDomain(ValueError):
    """The words say what is wrong with it."""


def clean_domain(text: str) -> str:
    """An exact host, host:port or *.host, in lower case and punycode. Raises BadDomain."""
    host = _without_address(text.strip().lower())
    try:
        host = ".".join(_ascii(label) for label in host.split("."))
    except UnicodeError as error:
        raise BadDomain(f"“{text.strip()}” is not the name of a website.") from error
    if host in LOCAL_HOSTS:
        return host
    found = HOST.fullmatch(host)
    if found is None or not _has_lengths_of_dns(host) or int((found[3] or ":1")[1:]) > 65535:
        raise BadDomain(f"“{text.strip()}” is not the name of a website, such as shop.example.com.")
    if found[1] and "." not in found[2]:
        raise BadDomain("A star stands for the sub-domains of a website: *.example.com.")
    return host


def _has_lengths_of_dns(host: str) -> bool:
    longest = max(len(label) for label in host.split("."))
    return len(host) <= MOST_CHARACTERS and longest <= MOST_LABEL


def _without_address(text: str) -> str:
    """What is left of a pasted address: https://shop.example.com/cart gives shop.example.com."""
    bare = re.sub(r"^https?://", "", text)
    return re.split(r"[/?#]", bare, maxsplit=1)[0]


def _ascii(label: str) -> str:
    return label if label.isascii() else label.encode("idna").decode()
