"""A child process of `pages`: fills the demo client with rows and prints a session of its owner."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_saas.settings")
django.setup()

from django.db import transaction

from accounts import audit, keys
from accounts.audit import Action
from accounts.models import Client, Membership, User
from chat.models import Bot, Conversation, Message
from knowledge.models import Source
from tests.house import session_of

ROWS = 2_000


@transaction.atomic
def fill(client: Client) -> None:
    bot = Bot.objects.for_client(client).select_related("knowledge_base").get()
    Source.objects.bulk_create(
        Source(
            knowledge_base=bot.knowledge_base,
            title=f"Document {number}",
            format="text",
            sha256=f"{number}",
            state="failed",
        )
        for number in range(ROWS)
    )
    conversations = Conversation.objects.bulk_create(
        Conversation(bot=bot, visitor=f"vis_{number}") for number in range(ROWS)
    )
    Message.objects.bulk_create(
        message
        for number, one in enumerate(conversations)
        for message in (
            Message(conversation=one, role="visitor", text=f"Question {number}?"),
            Message(conversation=one, role="bot", text="Answer.", answered=number % 5 > 0),
        )
    )
    people = User.objects.bulk_create(User(email=f"p{number}@a.example") for number in range(ROWS))
    Membership.objects.bulk_create(Membership(client=client, user=user) for user in people)
    for number in range(200):
        audit.record_by_system(client, Action.SOURCE_ADDED, f"Document {number}")
    for number in range(40):
        keys.make(client, f"Key {number}")


if __name__ == "__main__":
    demo = Client.objects.get(public_id="cli_demo")
    owner = User.objects.get(memberships__client=demo)
    fill(demo)
    print(session_of(owner))
