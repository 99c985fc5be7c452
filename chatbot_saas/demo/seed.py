"""The demo client: a shop with a help centre, a bot, a member to log in as and a key.

Its password and key are derived from SECRET_KEY: the same at each call, and kept nowhere.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import keys, people
from accounts.models import Client, Membership
from billing import holds
from chat.models import Bot
from knowledge import removal, sources
from knowledge.models import Source
from knowledge.placing import new_base

CLIENT_ID = "cli_demo"
EMAIL = "demo@larkfell.example"
SHOP = "Larkfell Outfitters"
HELP_CENTRE = Path(__file__).parent / "articles"


@dataclass(frozen=True, slots=True)
class Demo:
    """What somebody needs to try the demo client."""

    url: str
    email: str
    password: str
    api_key: str
    bot_id: str
    client_id: str


def seed(*, reset: bool = False) -> Demo:
    """Make what is missing of the demo client; articles that are new are queued for reading."""
    with transaction.atomic():
        if reset:
            _remove()
        client, _ = Client.objects.get_or_create(public_id=CLIENT_ID, defaults={"name": SHOP})
        _member(client)
        holds.give_for_ever(client)
        bot = _bot(client)
        keys.keep(client, "Demo", api_key())
    for path in sorted(HELP_CENTRE.glob("*.md")):
        slug = path.stem.partition("-")[2]
        sources.add_path(bot.knowledge_base, path, url=f"{settings.SITE_URL}/demo/help/{slug}/")
    return Demo(settings.SITE_URL, EMAIL, password(), api_key(), bot.public_id, client.public_id)


def password() -> str:
    return _derived("password", 12)


def api_key() -> str:
    return keys.LIVE_PREFIX + _derived("key", 32)


def _derived(purpose: str, length: int) -> str:
    digest = salted_hmac("chatbot_saas.demo", purpose, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")[:length]


def _member(client: Client) -> None:
    user = people.with_verified_address(EMAIL)
    if not user.check_password(password()):
        user.set_password(password())
        user.save(update_fields=["password"])
    Membership.objects.get_or_create(
        client=client, user=user, defaults={"role": Membership.Role.OWNER}
    )


def _bot(client: Client) -> Bot:
    existing = Bot.objects.for_client(client).select_related("knowledge_base__client").first()
    if existing is not None:
        return existing
    return Bot.objects.create(
        client=client,
        knowledge_base=new_base(client, "Help centre"),
        name="Larkfell help",
        greeting="Hello! Ask me about orders, delivery, returns or our gear.",
        suggestions=[
            "How do I return something?",
            "What does delivery to Germany cost?",
            "When is the shop open?",
        ],
    )


def _remove() -> None:
    for client in Client.objects.filter(public_id=CLIENT_ID):
        for source in Source.objects.for_client(client).select_related("knowledge_base"):
            removal.remove(source)
        Bot.objects.for_client(client).delete()
        client.delete()
