"""A client that has one of everything, so that walks over all pages meet no empty corner.

Each text of it holds `mark`: whoever sees the mark of another client sees what is not theirs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts import audit, keys, people
from accounts.audit import Action
from accounts.models import ApiKey, Client, Export, Invitation, KeyLink, Membership, User
from accounts.roles import Role
from billing import quota
from billing.models import Checkout, Kind, StripeObject, SyncRequest
from chat.models import Bot, Citation, Conversation, Message, Sighting
from knowledge.embedding import pack
from knowledge.models import (
    DirectUpload,
    Faq,
    KnowledgeBase,
    LeftCollection,
    NextVector,
    Passage,
    Reembedding,
    Source,
    WebPage,
    Website,
    question_key,
)

TOKEN = "t" * 43  # of every link, after the mark


@dataclass
class Everything:
    """Rows of one client; `people` holds a person of each role."""

    mark: str
    client: Client
    people: dict[Role, User]
    base: KnowledgeBase
    bot: Bot
    source: Source
    failed: Source
    upload: DirectUpload
    faq: Faq
    website: Website
    reembedding: Reembedding
    conversation: Conversation
    invitation: Invitation
    key: ApiKey
    key_text: str
    key_link: KeyLink
    export: Export

    @classmethod
    def make(cls, mark: str) -> Self:
        client = Client.objects.create(name=f"{mark} GmbH", website=f"https://{mark}.example")
        members = {role: _member(client, role, mark) for role in Role}
        owner = members[Role.OWNER]
        base = KnowledgeBase.objects.create(
            client=client,
            name=f"{mark} base",
            embedding_model="none",
            live_passages=1,
            live_terms=4,
        )
        LeftCollection.objects.create(knowledge_base=base, collection=f"{base.public_id}-v0")
        bot = _bot(client, base, mark)
        key, text = keys.make(client, f"{mark} key")
        _billing(client, mark)
        audit.record_by_system(client, Action.KEY_CREATED, f"{mark} key", actor=owner.email)
        source = _source(base, mark)
        return cls(
            mark=mark,
            client=client,
            people=members,
            base=base,
            bot=bot,
            source=source,
            upload=_upload(base, source, mark),
            website=_website(base, source, mark),
            reembedding=_reembedding(base, source, mark),
            failed=_failed_source(base, mark),
            faq=_faq(base, mark),
            conversation=_conversation(bot, mark),
            invitation=Invitation.objects.create(
                client=client,
                email=f"invited@{mark}.example",
                invited_by=owner,
                digest=_digest(f"{mark}-invitation-{TOKEN}"),
                expires_at=_soon(),
            ),
            key=key,
            key_text=text,
            key_link=KeyLink.objects.create(
                client=client,
                user=owner,
                digest=_digest(f"{mark}-link-{TOKEN}"),
                expires_at=_soon(),
            ),
            export=_export(client, owner, mark),
        )

    def membership(self, role: Role) -> Membership:
        return Membership.objects.get(client=self.client, user=self.people[role])


def _member(client: Client, role: Role, mark: str) -> User:
    user = people.with_verified_address(f"{role}@{mark}.example")
    user.name = f"{mark} {role}"
    user.save(update_fields=["name"])
    Membership.objects.create(client=client, user=user, role=role)
    return user


def _billing(client: Client, mark: str) -> None:
    """What it used and paid; its billing state is each test's own."""
    now = timezone.now()
    fields = {"customer_id": f"cus_{mark}", "created_at": now, "not_before": now, "done_at": now}
    SyncRequest.objects.create(client=client, reason="nightly", **fields)
    Checkout.objects.create(
        client=client, plan="basic", interval="month", state=Checkout.State.EXPIRED
    )
    quota.add(client, Kind.API_CALLS, 2)
    StripeObject.objects.get_or_create(
        name="chatbot_basic_month_29", livemode=False, defaults={"stripe_id": "price_basic"}
    )


def _bot(client: Client, base: KnowledgeBase, mark: str) -> Bot:
    bot = Bot.objects.create(
        client=client,
        knowledge_base=base,
        name=f"{mark} bot",
        allowed_domains=[f"{mark}.example"],
        suggestions=[f"{mark}?"],
        styled_at=timezone.now(),
    )
    Sighting.objects.create(bot=bot, origin=f"https://{mark}.example", refused=False)
    Sighting.objects.create(bot=bot, origin=f"https://{mark}-copy.example", refused=True)
    return bot


def _source(base: KnowledgeBase, mark: str) -> Source:
    text = f"{mark} opens at nine."
    source = Source.objects.create(
        knowledge_base=base,
        title=f"{mark} hours",
        format="text",
        state=Source.State.READY,
        progress=1,
        bytes=len(text),
        characters=len(text),
        sha256=_digest(f"{mark} hours"),
        version=1,
        live_version=1,
        indexed_version=1,
        ready_at=timezone.now(),
        file=default_storage.save(f"{base.client.public_id}/hours", ContentFile(text.encode())),
    )
    Passage.objects.create(
        source=source,
        version=1,
        position=0,
        text=text,
        start=0,
        end=len(text),
        terms=4,
        embedding=pack(np.ones(384, dtype=np.float32)),
    )
    return source


def _failed_source(base: KnowledgeBase, mark: str) -> Source:
    return Source.objects.create(
        knowledge_base=base,
        title=f"{mark} scan",
        format="pdf",
        state=Source.State.FAILED,
        error="This PDF holds pictures of pages and no text.",
        sha256=_digest(f"{mark} scan"),
    )


def _upload(base: KnowledgeBase, source: Source, mark: str) -> DirectUpload:
    """One on its way, beside one that became a source."""
    facts = {"knowledge_base": base, "bytes": 7, "parts_id": "parts", "expires_at": _soon()}
    folder = base.client.public_id
    DirectUpload.objects.create(
        **facts,
        name=f"{mark} hours.txt",
        format="text",
        file=f"{folder}/hours",
        state=DirectUpload.State.TAKEN,
        source=source,
    )
    return DirectUpload.objects.create(
        **facts, name=f"{mark} catalogue.pdf", format="pdf", file=f"{folder}/catalogue"
    )


def _reembedding(base: KnowledgeBase, source: Source, mark: str) -> Reembedding:
    """One that failed, and whose vectors are still to be deleted."""
    change = Reembedding.objects.create(
        knowledge_base=base,
        embedding_model=f"hosted:{mark}",
        generation=2,
        state=Reembedding.State.FAILED,
        error="It is not known to its server.",
    )
    # Long enough ago: whoever deletes the client need not wait for its worker.
    Reembedding.objects.filter(pk=change.pk).update(heartbeat_at=timezone.now() - timedelta(days=1))
    passage = source.passages.get()
    vector = pack(np.ones(8, dtype=np.float32))
    NextVector.objects.create(reembedding=change, passage=passage, embedding=vector)
    return change


def _faq(base: KnowledgeBase, mark: str) -> Faq:
    question = f"Does {mark} repair boots?"
    source = Source.objects.create(
        knowledge_base=base,
        kind=Source.Kind.FAQ,
        title=question,
        format="text",
        state=Source.State.FAILED,
        error="This file could not be processed, also after several tries.",
        sha256=_digest(question),
    )
    return Faq.objects.create(
        knowledge_base=base,
        source=source,
        question=question,
        key=question_key(question),
        answer=f"{mark} repairs boots within a week.",
        category=f"{mark} repairs",
        priority=Faq.Priority.HIGH,
    )


def _website(base: KnowledgeBase, source: Source, mark: str) -> Website:
    url = f"https://{mark}.example/"
    website = Website.objects.create(
        knowledge_base=base,
        mode=Website.Mode.CRAWL,
        url=url,
        limit=10,
        state=Website.State.READY,
        last_checked_at=timezone.now(),
    )
    WebPage.objects.create(
        website=website,
        url=f"{url}hours",
        key=f"{mark}.example/hours",
        title=f"{mark} hours",
        state=WebPage.State.TAKEN,
        source=source,
    )
    WebPage.objects.create(
        website=website,
        url=url,
        key=f"{mark}.example",
        title=f"{mark} start",
        state=WebPage.State.FAILED,
        error=f"“{mark}.example” does not accept connections.",
    )
    return website


def _conversation(bot: Bot, mark: str) -> Conversation:
    conversation = Conversation.objects.create(
        bot=bot, visitor="vis_1", page_url=f"https://{mark}.example/help"
    )
    said = [
        ("visitor", f"When does {mark} open?", None),
        ("bot", f"{mark} opens at nine [1].", True),
        ("visitor", f"Does {mark} rent tents?", None),
        ("bot", "I could not find that.", False),
    ]
    rows = [
        Message.objects.create(conversation=conversation, role=role, text=text, answered=answered)
        for role, text, answered in said
    ]
    Citation.objects.create(
        message=rows[1],
        number=1,
        source_id="src_gone",
        title=f"{mark} hours",
        quote=f"{mark} opens at nine.",
        start=0,
        end=10,
    )
    return conversation


def _export(client: Client, owner: User, mark: str) -> Export:
    path = f"{client.public_id}/exports/{mark}.zip"
    return Export.objects.create(
        client=client,
        requested_by=owner,
        state=Export.State.READY,
        progress=1,
        file=default_storage.save(path, ContentFile(b"PK")),
        bytes=2,
        ready_at=timezone.now(),
        expires_at=_soon(),
    )


def _soon():
    return timezone.now() + timedelta(minutes=10)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
