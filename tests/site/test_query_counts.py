"""Pages with lists: many rows cost them as many queries as one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Client, Invitation, User
from accounts.roles import Role
from chat.models import Bot, Citation, Conversation, Message
from knowledge.models import KnowledgeBase, Source
from tests.everything import Everything
from tests.queries import queries

MANY = 12


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("marigold")


@pytest.fixture
def github(settings) -> None:
    app = {"client_id": "id", "secret": "secret"}
    settings.SOCIALACCOUNT_PROVIDERS = {"github": {"APPS": [app]}}


def check(user: User, path: str, shown: str, add: Callable[[int], object]) -> None:
    """Each row that `add` makes is shown: `shown` is what the page says once for each."""
    browser = Browser()
    browser.force_login(user)
    browser.get(path)  # notes the session, and fills what is kept for all requests
    add(0)
    before, few = said(browser, path, shown), queries(browser, path)
    for number in range(1, MANY):
        add(number)
    assert said(browser, path, shown) > before
    assert queries(browser, path) == few <= 14


def said(browser: Browser, path: str, words: str) -> int:
    return browser.get(path).content.decode().count(words)


def test_invitations_of_a_newcomer(world: Everything) -> None:
    user = User.objects.create_user("new@daisy.example", "a long password")

    def add(number: int) -> None:
        Invitation.objects.create(
            client=Client.objects.create(name=f"Company {number}"),
            email=user.email,
            invited_by=world.people[Role.OWNER],
            digest=str(number),
            expires_at=timezone.now() + timedelta(days=1),
        )

    check(user, "/app/start/", "You are invited to", add)


def test_documents_by_the_api(world: Everything) -> None:
    def add(number: int) -> None:
        base = KnowledgeBase.objects.create(
            client=world.client, name=f"Base {number}", embedding_model="none"
        )
        Bot.objects.create(client=world.client, knowledge_base=base, name=f"Bot {number}")
        Source.objects.create(knowledge_base=base, title="A page", format="text", sha256="a")

    check(world.people[Role.OWNER], "/api/documents", "A page", add)


def test_what_could_not_be_answered_lately(world: Everything) -> None:
    Message.objects.all().delete()

    def add(number: int) -> None:
        conversation = Conversation.objects.create(bot=world.bot)
        Message.objects.create(conversation=conversation, role="visitor", text="Do you rent tents?")
        Message.objects.create(conversation=conversation, role="bot", answered=False)

    check(world.people[Role.OWNER], "/app/", "Do you rent tents?", add)


def test_messages_of_a_conversation_and_their_citations(world: Everything) -> None:
    conversation = world.conversation

    def add(number: int) -> None:
        message = Message.objects.create(conversation=conversation, role="bot", answered=True)
        for cited in (1, 2):
            Citation.objects.create(
                message=message, number=cited, title="Hours", quote="At nine.", start=0, end=8
            )

    path = f"/app/conversations/{conversation.public_id}/"
    check(world.people[Role.OWNER], path, "At nine.", add)


def test_passkeys_of_a_person(world: Everything) -> None:
    user = world.people[Role.OWNER]

    def add(number: int) -> None:
        data = {"name": f"Laptop {number}", "credential": {}}
        Authenticator.objects.create(user=user, type="webauthn", data=data)

    check(user, "/accounts/2fa/webauthn/", "Laptop", add)


def test_connections_of_a_person(world: Everything, github: None) -> None:
    user = world.people[Role.OWNER]

    def add(number: int) -> None:
        data = {"login": f"octopus{number}"}
        SocialAccount.objects.create(user=user, provider="github", uid=str(number), extra_data=data)

    check(user, "/accounts/3rdparty/", "octopus", add)


def test_an_upload_costs_few_queries(world: Everything, django_assert_max_num_queries) -> None:
    """Beside those of its two transactions: whose key it is, the two counters, the bot's base, the
    same bytes as they are and in earlier versions, what the plan still holds, the document, its
    line in the audit log, and its bot."""
    program = Browser(headers={"Authorization": f"Bearer {world.key_text}"})

    def send(text: bytes) -> None:
        file = SimpleUploadedFile("a.txt", text)
        form = {"bot": world.bot.public_id, "file": file}
        assert program.post("/api/documents", form).status_code == 201

    send(b"We open at nine.")  # notes that the key is in use, and begins the day's count
    with django_assert_max_num_queries(15):
        send(b"We close at six.")
