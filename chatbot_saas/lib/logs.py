"""What must not stand in logs."""

from __future__ import annotations

import logging
import re

# Whoever has the end of such an address may use it once: reset, invitation, rotation of keys.
ONE_TIME = re.compile(r"(/accounts/(?:invitation|key-link|password/reset/key)/)[^\s/?]+")
QUERY = re.compile(r"\?\S*")


class HideLinks(logging.Filter):
    """Cuts one-time links and queries (people's words stand there) out of the server's lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_cut(one) for one in record.args)
        return True


def _cut(argument: object) -> object:
    if not isinstance(argument, str):
        return argument
    return QUERY.sub("?…", ONE_TIME.sub(r"\1…", argument))
