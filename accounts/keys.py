"""API keys: make one, and find the row behind one."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from accounts.models import ApiKey, Client

SCOPES = ("read", "write", "chat")
LIVE_PREFIX = "sk_live_"
SHOWN_CHARACTERS = 12
USE_NOTED_EVERY = timedelta(minutes=5)


def make(client: Client, name: str, scopes: Sequence[str] = SCOPES) -> tuple[ApiKey, str]:
    """A new key and its text, which is nowhere else: it is shown once and never again."""
    text = LIVE_PREFIX + secrets.token_urlsafe(32)
    return keep(client, name, text, scopes), text


def keep(client: Client, name: str, text: str, scopes: Sequence[str] = SCOPES) -> ApiKey:
    """The row of the key `text`, made when there is none."""
    key, _ = ApiKey.objects.get_or_create(
        digest=digest_of(text),
        defaults={
            "client": client,
            "name": name,
            "prefix": text[:SHOWN_CHARACTERS],
            "scopes": list(scopes),
        },
    )
    return key


def digest_of(text: str) -> str:
    # A key has 256 random bits: nothing to guess, so nothing that a slow hash would slow down.
    return hashlib.sha256(text.encode()).hexdigest()


def find(text: str) -> ApiKey | None:
    """The usable key behind `text`, with its client; notes that it was used."""
    keys = ApiKey.objects.usable().select_related("client")
    key = keys.filter(digest=digest_of(text)).first()
    if key is None:
        return None
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key
