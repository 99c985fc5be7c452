"""Which paths visitors' browsers and clients' programs use: no cookie, no session, no CSRF."""

from __future__ import annotations

PREFIXES = ("/api/chat", "/api/widget/", "/widget.js", "/c/", "/csp-report", "/healthz")


def is_public(path: str) -> bool:
    return path.startswith(PREFIXES)
