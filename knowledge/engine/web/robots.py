"""robots.txt: what a site's owner lets programs read, and how fast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from protego import Protego

MOST_BYTES = 500 * 1024  # RFC 9309: at least as much must be read
MOST_SITEMAPS = 20


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one site for the program called `agent`."""

    text: str
    agent: str
    _parsed: Any

    @classmethod
    def of(cls, text: str, agent: str) -> Rules:
        return cls(text, agent, Protego.parse(text[:MOST_BYTES]))

    def allow(self, url: str) -> bool:
        return bool(self._parsed.can_fetch(url, self.agent))

    @property
    def delay(self) -> float:
        """Seconds between two calls that the site asks for; 0 when it does not say."""
        rate = self._parsed.request_rate(self.agent)
        paced = rate.seconds / rate.requests if rate and rate.requests else 0.0
        asked = max(float(self._parsed.crawl_delay(self.agent) or 0.0), float(paced))
        return asked if math.isfinite(asked) else 0.0

    @property
    def sitemaps(self) -> Sequence[str]:
        return tuple(dict.fromkeys(self._parsed.sitemaps))[:MOST_SITEMAPS]
