"""The inbox: find conversations, read one, delete it, and forget the old ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import AuditEvent, Client
from accounts.roles import Role
from chat import retention
from chat.models import Bot, Citation, Conversation, Message
from tests.accounts.conftest import signed_in
from tests.everything import Everything
from tests.house import Tenant

PAGE = "/app/conversations/"


@pytest.fixture
def acme(db: None) -> Everything:
    return Everything.make("acme")


@pytest.fixture
def admin(acme: Everything) -> Browser:
    return signed_in(acme, Role.ADMIN)


def talk(bot: Bot, question: str, *, answered: bool = True, **fields: object) -> Conversation:
    conversation = Conversation.objects.create(bot=bot, **fields)
    Message.objects.create(conversation=conversation, role="visitor", text=question)
    Message.objects.create(conversation=conversation, role="bot", text="…", answered=answered)
    return conversation


def listed(browser: Browser, **query: str | int) -> list[str]:
    return [one.question for one in browser.get(PAGE, query).context["page"].object_list]


def test_the_latest_stands_first(admin: Browser, acme: Everything) -> None:
    talk(acme.bot, "Older?", last_message_at=timezone.now() - timedelta(hours=1))
    talk(acme.bot, "Newest?")
    assert listed(admin) == ["Newest?", "When does acme open?", "Older?"]


def test_a_further_question_moves_a_conversation_up(shop: Tenant) -> None:
    visitor = shop.visitor()
    asked = visitor.ask("Hello?").json()["conversation"]
    long_ago = timezone.now() - timedelta(days=9)
    Conversation.objects.filter(public_id=asked).update(last_message_at=long_ago)
    visitor.ask("And now?", conversation=asked)
    latest = Conversation.objects.get(public_id=asked).last_message_at
    assert timezone.now() - latest < timedelta(minutes=1)


def test_it_is_filtered(admin: Browser, acme: Everything) -> None:
    talk(acme.bot, "Do you rent tents?", answered=False)
    talk(acme.bot, "Only a try", channel="playground")
    talk(acme.bot, "By a program", channel="api")
    talk(acme.bot, "Last month", last_message_at=timezone.now() - timedelta(days=40))
    assert "Only a try" not in listed(admin)
    assert listed(admin, channel="playground") == ["Only a try"]
    assert listed(admin, channel="api") == ["By a program"]
    assert listed(admin, q="TENTS") == ["Do you rent tents?", "When does acme open?"]
    assert listed(admin, unanswered="on") == ["Do you rent tents?", "When does acme open?"]
    assert "Last month" not in listed(admin, days=30)


@pytest.mark.parametrize(
    "query", [{"days": "x"}, {"channel": "moon"}, {"page": "-1"}, {"q": "\x00"}]
)
def test_nonsense_in_the_address_breaks_nothing(admin: Browser, query: dict) -> None:
    assert admin.get(PAGE, query).status_code == 200


def test_a_conversation_is_shown_with_its_sources(admin: Browser, acme: Everything) -> None:
    page = admin.get(f"{PAGE}{acme.conversation.public_id}/").content.decode()
    assert "When does acme open?" in page
    assert "acme opens at nine." in page
    assert "[1]" in page


def test_what_visitors_write_is_text(admin: Browser, acme: Everything) -> None:
    conversation = talk(acme.bot, "<img src=x onerror=alert(1)>", page_url="javascript:alert(2)")
    for path in (PAGE, f"{PAGE}{conversation.public_id}/"):
        page = admin.get(path).content.decode()
        assert "<img" not in page
        assert 'href="javascript' not in page


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("owner", 302)])
def test_admins_and_owners_delete(acme: Everything, role: str, status: int) -> None:
    path = f"{PAGE}{acme.conversation.public_id}/delete/"
    assert signed_in(acme, Role(role)).post(path).status_code == status
    exists = Conversation.objects.filter(pk=acme.conversation.pk).exists()
    assert exists == (status == 403)


def test_a_deleted_conversation_leaves_a_note_and_nothing_else(
    admin: Browser, acme: Everything
) -> None:
    name = acme.conversation.public_id
    admin.post(f"{PAGE}{name}/delete/")
    assert not Message.objects.filter(conversation__bot__client=acme.client).exists()
    assert not Citation.objects.exists()
    event = AuditEvent.objects.for_client(acme.client).latest("pk")
    assert (event.action, event.target, event.details) == ("conversation.deleted", name, {})


def test_conversations_of_others_do_not_exist(admin: Browser) -> None:
    theirs = Everything.make("rival").conversation
    assert admin.get(f"{PAGE}{theirs.public_id}/").status_code == 404
    assert admin.post(f"{PAGE}{theirs.public_id}/delete/").status_code == 404
    assert "rival" not in admin.get(PAGE).content.decode()


def test_the_number_of_queries_does_not_grow_with_the_conversations(
    admin: Browser, acme: Everything, django_assert_max_num_queries
) -> None:
    for number in range(60):
        talk(acme.bot, f"Question {number}?")
    admin.get(PAGE)
    with django_assert_max_num_queries(12):
        assert len(admin.get(PAGE).context["page"].object_list) == 50
    with django_assert_max_num_queries(12):
        admin.get(f"{PAGE}{acme.conversation.public_id}/")


def test_old_conversations_go_when_their_client_wants_it(acme: Everything) -> None:
    other = Everything.make("rival")
    now = timezone.now()
    old = talk(acme.bot, "Old?", last_message_at=now - timedelta(days=31))
    kept = talk(acme.bot, "Not so old?", last_message_at=now - timedelta(days=29))
    theirs = talk(other.bot, "Old, but theirs?", last_message_at=now - timedelta(days=900))
    Client.objects.filter(pk=acme.client.pk).update(retention_days=30)
    assert retention.delete_old(now) == 1
    assert retention.delete_old(now) == 0
    left = set(Conversation.objects.values_list("pk", flat=True))
    assert old.pk not in left
    assert {kept.pk, theirs.pk, acme.conversation.pk} <= left
    assert not Message.objects.filter(conversation_id=old.pk).exists()


def test_more_than_one_batch_goes(acme: Everything, monkeypatch) -> None:
    long_ago = timezone.now() - timedelta(days=100)
    Conversation.objects.bulk_create(
        Conversation(bot=acme.bot, last_message_at=long_ago) for _ in range(1_201)
    )
    Client.objects.filter(pk=acme.client.pk).update(retention_days=90)
    assert retention.delete_old(timezone.now()) == 1_201
