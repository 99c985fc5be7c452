"""API keys: make, rotate and revoke one, and find the row behind one."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts import permits
from accounts.models import ApiKey, Client, User
from chatbot_saas.lib.errors import BadRequest, Conflict

SCOPES = ("read", "write", "chat")
LIVE_PREFIX = "sk_live_"
TEST_PREFIX = "sk_test_"
PREFIXES = {ApiKey.Mode.LIVE: LIVE_PREFIX, ApiKey.Mode.TEST: TEST_PREFIX}
SHOWN_CHARACTERS = 12
USE_NOTED_EVERY = timedelta(minutes=5)
MOST_USABLE_KEYS = 50


def make(
    client: Client,
    name: str,
    scopes: Sequence[str] = SCOPES,
    *,
    mode: str = ApiKey.Mode.LIVE,
    expires_at: datetime | None = None,
    by: User | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, which is nowhere else: it is shown once and never again."""
    # Read anew: the row in hand may be older than the end of the subscription.
    permits.require_edit(Client.objects.get(pk=client.pk))
    if not scopes or not set(scopes) <= set(SCOPES):
        raise BadRequest("scopes", "Choose what the key may do.")
    if ApiKey.objects.for_client(client).usable().count() >= MOST_USABLE_KEYS:
        raise Conflict("too_many_keys", f"{MOST_USABLE_KEYS} keys are enough: revoke some first.")
    text = PREFIXES[ApiKey.Mode(mode)] + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        client=client,
        name=name,
        mode=mode,
        scopes=list(scopes),
        prefix=text[:SHOWN_CHARACTERS],
        digest=digest_of(text),
        expires_at=expires_at,
        created_by=by,
    )
    return key, text


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


@transaction.atomic
def rotate(key: ApiKey, overlap: timedelta, *, by: User | None = None) -> tuple[ApiKey, str]:
    """A successor with the same rights; the old key stays usable for `overlap`.

    The row is locked: of two rotations at the same moment one makes the successor, and the other
    is told that there is one.
    """
    locked = ApiKey.objects.select_for_update().select_related("client").get(pk=key.pk)
    if locked.replaced_by_id is not None:
        raise Conflict("already_rotated", "This key has been rotated already.")
    if not locked.is_usable:
        raise Conflict("not_usable", "This key has expired or was revoked: create a new one.")
    successor, text = make(
        locked.client,
        locked.name,
        locked.scopes,
        mode=locked.mode,
        expires_at=_same_span(locked),
        by=by,
    )
    locked.replaced_by = successor
    ends = timezone.now() + overlap
    locked.expires_at = min(locked.expires_at, ends) if locked.expires_at else ends
    locked.save(update_fields=["replaced_by", "expires_at"])
    return successor, text


def revoke(key: ApiKey) -> bool:
    """End a key at once; False when that was done before."""
    alive = ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True)
    return bool(alive.update(revoked_at=timezone.now()))


def digest_of(text: str) -> str:
    # A key has 256 random bits: nothing to guess, so nothing that a slow hash would slow down.
    return hashlib.sha256(text.encode()).hexdigest()


def find(text: str) -> ApiKey | None:
    """The usable key behind `text`, with its client; notes that it was used.

    With the client comes what it has paid for, which is asked next. Billing lies a layer above:
    the link to it is the database's, not an import.
    """
    keys = ApiKey.objects.usable().select_related("client__billing")
    key = keys.filter(digest=digest_of(text)).first()
    if key is None:
        return None
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def _same_span(key: ApiKey) -> datetime | None:
    """A key that was made for 90 days is followed by one for 90 days."""
    return timezone.now() + (key.expires_at - key.created_at) if key.expires_at else None
