"""How many bots a client has, in the words of its plan's limits."""

from __future__ import annotations

from accounts.models import Client
from chat.models import Bot


def of(client: Client) -> dict[str, int]:
    return {"bots": Bot.objects.for_client(client).count()}
