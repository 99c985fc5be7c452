"""Which link targets may stand in a text that people will see, and how they stand there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

SCHEMES = frozenset({"http", "https", "mailto"})
MOST_CHARACTERS = 200  # what is longer tracks people, and says nothing in a passage
UNFIT = re.compile(r"[\s<>\\\x00-\x1f\x7f]")


def safe_link(target: str) -> str:
    """The target if a reader may follow it, else ""."""
    target = target.strip()
    if not target or len(target) > MOST_CHARACTERS or UNFIT.search(target):
        return ""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    if parts.scheme.lower() not in SCHEMES or not (parts.netloc or parts.scheme == "mailto"):
        return ""
    return target.replace("(", "%28").replace(")", "%29")


def linked(text: str, target: str) -> str:
    """The text as a Markdown link, or alone where the target is unsafe or the text itself."""
    words = text.strip()
    safe = safe_link(target)
    if not safe or not any(letter.isalnum() for letter in words):
        return text
    shown = safe.removeprefix("mailto:").split("://")[-1].rstrip("/")
    if words.rstrip("/").endswith(shown) or "[" in words or "]" in words:
        return text
    before = text[: len(text) - len(text.lstrip())]
    after = text[len(text.rstrip()) :]
    return f"{before}[{words}]({safe}){after}"
