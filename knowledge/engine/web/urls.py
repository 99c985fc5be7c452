"""Addresses of pages in one form, so that the same page is not read under two of them."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit

MOST_CHARACTERS = 1000
PORTS = {"http": 80, "https": 443}
# They say where a visitor came from, or who it is; the page is the same without them.
TRACKING = re.compile(
    r"utm_\w+|mtm_\w+|pk_\w+|hsa_\w+|_ga|_gl|gclid|dclid|gbraid|wbraid|fbclid|msclkid|yclid|igshid"
    r"|twclid|ttclid|mc_[ce]id|_hs(?:enc|mi)|ref_src|phpsessid|jsessionid|sessionid|sid",
    re.IGNORECASE,
)
SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?#]*", re.IGNORECASE)
ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
STRAY_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
SAFE = "%!$&'()*+,;=:@-._~/?"
INDEX_PAGE = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.IGNORECASE)
# What links to files lead to; only text pages are read.
NOT_PAGES = re.compile(
    r"\.(?:7z|aac|apk|avi|bin|bmp|bz2|css|csv|dmg|docx?|eot|epub|exe|flac|gif|gz|ico|iso|jpe?g|js"
    r"|json|m4[av]|mkv|mov|mp[34]|mpe?g|msi|od[pst]|og[gv]|otf|pdf|png|pptx?|psd|rar|rss|rtf|svg"
    r"|tar|tgz|tiff?|ttf|txt|wav|webm|webp|wmv|woff2?|xlsx?|xml|zip)$",
    re.IGNORECASE,
)


def normal(url: str, base: str = "") -> str | None:
    """An http or https address as we ask for it: no fragment, no tracking, queries in order.

    `base` is the address of the page on which it stands. None for anything else.
    """
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in PORTS or not host or parts.username or parts.password:
        return None
    netloc = host if port in {None, PORTS[parts.scheme]} else f"{host}:{port}"
    made = SplitResult(parts.scheme, netloc, _path(parts.path), _query(parts.query), "").geturl()
    return made if len(made) <= MOST_CHARACTERS else None


def key_of(url: str) -> str:
    """What two normal addresses of the same page have in common, by the habits of the web: http
    or https, with or without www. and a slash at the end."""
    parts = urlsplit(url)
    path = INDEX_PAGE.sub("", parts.path).rstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    return f"{site_of(url)}{path}{query}"


def site_of(url: str) -> str:
    """The host of an address, with its port and without www."""
    return urlsplit(url).netloc.lower().removeprefix("www.")


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_page(url: str) -> bool:
    """Whether the name promises a page and not a file."""
    return not NOT_PAGES.search(urlsplit(url).path)


def _path(path: str) -> str:
    path = SESSION_IN_PATH.sub("", path)
    kept = list[str]()
    for part in path.split("/")[1:]:
        if part == ".." and kept:
            kept.pop()
        elif part not in {".", ".."}:
            kept.append(_escaped(part))
    ends_open = path.endswith(("/.", "/.."))
    return "/" + "/".join(kept) + ("/" if ends_open and kept else "")


def _query(query: str) -> str:
    parts = [_escaped(part) for part in query.split("&") if part]
    return "&".join(sorted(one for one in parts if not TRACKING.fullmatch(one.partition("=")[0])))


def _escaped(part: str) -> str:
    """Each letter in one form; what is escaped in an encoding of the site's own stays so."""
    return quote(STRAY_PERCENT.sub("%25", ESCAPE.sub(_plain, part)), safe=SAFE)


def _plain(escape: re.Match[str]) -> str:
    letter = chr(int(escape[0][1:], 16))
    return (
        letter if letter.isascii() and (letter.isalnum() or letter in "-._~") else escape[0].upper()
    )
