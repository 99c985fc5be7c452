"""Read the mails of a test that has no worker: they wait in the outbox."""

from __future__ import annotations

import re

from accounts.models import OutboxEmail

CODE = re.compile(r"^([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\r?$", re.MULTILINE)
RESET = re.compile(r"https?://\S+?(/accounts/password/reset/key/\S+)")


def latest(recipient: str) -> OutboxEmail:
    return OutboxEmail.objects.filter(recipient__iexact=recipient).latest("pk")


def code_for(recipient: str) -> str:
    found = CODE.search(latest(recipient).text)
    assert found, latest(recipient).text
    return found.group(1)


def reset_link_for(recipient: str) -> str:
    found = RESET.search(latest(recipient).text)
    assert found, latest(recipient).text
    return found.group(1)
