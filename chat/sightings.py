"""On which websites a widget was opened, and on which it was refused."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from chat.models import Bot, Sighting
from chat.origins import ORIGIN

NOTED_EVERY = timedelta(minutes=1)
# Anybody can send requests with any Origin: they must not fill the table.
MOST_REFUSED = 200


def note(bot: Bot, origin: str, *, refused: bool) -> None:
    """Remember that the widget was opened there; once a minute is enough."""
    if ORIGIN.fullmatch(origin) is None or len(origin) > 255:
        return
    key = hashlib.sha256(f"{bot.pk} {refused} {origin}".encode()).hexdigest()
    if not cache.add(f"seen:{key}", True, NOTED_EVERY.total_seconds()):
        return
    known = Sighting.objects.filter(bot=bot, origin=origin)
    if known.update(last_at=timezone.now(), count=F("count") + 1, refused=refused):
        return
    if refused and Sighting.objects.filter(bot=bot, refused=True).count() >= MOST_REFUSED:
        return
    try:
        with transaction.atomic():
            Sighting.objects.create(bot=bot, origin=origin, refused=refused)
    except IntegrityError:
        return  # another visitor's request was first
