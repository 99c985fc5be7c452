"""What an export holds: one kind of rows after the other, each row as plain JSON.

Rows are read in batches by their ids. A cursor left open for minutes would keep SQLite from
writing on the same connection, and batches also get along with rows that vanish meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet

from accounts.models import ApiKey, AuditEvent, Client, Invitation, Membership
from billing.models import BillingState, UsageCounter, UsageDay
from chat.models import Bot, Conversation, Message, Sighting
from knowledge.models import Faq, KnowledgeBase, Passage, Source, WebPage, Website

BATCH = 500

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One file of the export: which rows, and how each reads."""

    name: str
    rows: Callable[[Client], QuerySet[Any]]
    line: Callable[[Any], Line]

    @property
    def file(self) -> str:
        return f"{self.name}.jsonl"

    def lines(self, client: Client) -> Iterator[list[Line]]:
        """Batches of lines, in the order in which the rows were made."""
        rows = self.rows(client).order_by("pk")
        last = 0
        while batch := list(rows.filter(pk__gt=last)[:BATCH]):
            last = batch[-1].pk
            yield [self.line(row) for row in batch]


def _fields(names: str) -> Callable[[Model], Line]:
    return lambda row: {name: getattr(row, name) for name in names.split()}


def _member(row: Membership) -> Line:
    person = {"email": row.user.email, "name": row.user.name}
    return {"id": row.public_id, **person, "role": row.role, "created_at": row.created_at}


def _api_key(row: ApiKey) -> Line:
    names = "mode name prefix scopes created_at last_used_at expires_at revoked_at"
    return {"id": row.public_id} | _fields(names)(row)


def _bot(row: Bot) -> Line:
    names = (
        "name instructions allowed_domains greeting placeholder suggestions color theme position"
        " hides_our_name created_at"
    )
    base = {"id": row.public_id, "knowledge_base": row.knowledge_base.public_id}
    return base | _fields(names)(row)


def _source(row: Source) -> Line:
    names = (
        "kind title url format bytes sha256 characters language version state error note"
        " created_at ready_at"
    )
    base = {"id": row.public_id, "knowledge_base": row.knowledge_base.public_id}
    return base | _fields(names)(row)


def _faq(row: Faq) -> Line:
    names = "question answer category priority created_at updated_at"
    base = {"id": row.public_id, "knowledge_base": row.knowledge_base.public_id}
    return base | {"source": row.source.public_id} | _fields(names)(row)


def _site(row: Website) -> Line:
    names = "mode url limit depth include exclude schedule state error created_at last_checked_at"
    base = {"id": row.public_id, "knowledge_base": row.knowledge_base.public_id}
    return base | _fields(names)(row)


def _page(row: WebPage) -> Line:
    names = "kind url title depth state error sha256 last_checked_at"
    source = row.source.public_id if row.source else None
    return {"site": row.website.public_id, "source": source} | _fields(names)(row)


def _passage(row: Passage) -> Line:
    names = "position heading text pages start end"
    return {"source": row.source.public_id} | _fields(names)(row)


def _conversation(row: Conversation) -> Line:
    names = "visitor channel page_url started_at last_message_at"
    return {"id": row.public_id, "bot": row.bot.public_id} | _fields(names)(row)


def _message(row: Message) -> Line:
    names = "role state text answered error model prompt_tokens completion_tokens created_at"
    base = {"id": row.public_id, "conversation": row.conversation.public_id}
    citations = [citation.as_json() for citation in row.citations.all()]
    return base | _fields(names)(row) | {"citations": citations}


def _sighting(row: Sighting) -> Line:
    names = "origin refused first_at last_at count"
    return {"bot": row.bot.public_id} | _fields(names)(row)


def _live_passages(client: Client) -> QuerySet[Passage]:
    passages = Passage.objects.live().filter(source__knowledge_base__client=client)
    return passages.select_related("source").defer("embedding")


def _messages(client: Client) -> QuerySet[Message]:
    messages = Message.objects.filter(conversation__bot__client=client)
    return messages.select_related("conversation").prefetch_related("citations")


_COMPANY = "name website retention_days deletion_due_at created_at"
_INVITATION = "email role created_at expires_at accepted_at revoked_at"
_EVENT = "actor_name staff_name action target details address at"

_BILLING = (
    "standing plan interval amount_cents period_start period_end cancel_at trial_ends_at"
    " complimentary_until overage_wanted"
)

KINDS = (
    Kind(
        "company",
        lambda client: Client.objects.filter(pk=client.pk),
        lambda row: {"id": row.public_id} | _fields(_COMPANY)(row),
    ),
    Kind(
        "members",
        lambda client: Membership.objects.for_client(client).select_related("user"),
        _member,
    ),
    Kind(
        "invitations",
        lambda client: Invitation.objects.for_client(client),
        lambda row: {"id": row.public_id} | _fields(_INVITATION)(row),
    ),
    Kind("api_keys", lambda client: ApiKey.objects.for_client(client), _api_key),
    Kind(
        "knowledge_bases",
        lambda client: KnowledgeBase.objects.for_client(client),
        lambda row: {"id": row.public_id, "name": row.name, "language": row.language},
    ),
    Kind(
        "bots",
        lambda client: Bot.objects.for_client(client).select_related("knowledge_base"),
        _bot,
    ),
    Kind(
        "sources",
        lambda client: Source.objects.for_client(client).select_related("knowledge_base"),
        _source,
    ),
    Kind(
        "faqs",
        lambda client: Faq.objects.for_client(client).select_related("knowledge_base", "source"),
        _faq,
    ),
    Kind(
        "sites",
        lambda client: Website.objects.for_client(client).select_related("knowledge_base"),
        _site,
    ),
    Kind(
        "site_pages",
        lambda client: WebPage.objects.for_client(client).select_related("website", "source"),
        _page,
    ),
    Kind("billing", lambda client: BillingState.objects.filter(client=client), _fields(_BILLING)),
    Kind(
        "usage",
        lambda client: UsageCounter.objects.for_client(client),
        _fields("kind period_start used over"),
    ),
    Kind(
        "usage_by_day",
        lambda client: UsageDay.objects.filter(client=client),
        _fields("kind day used"),
    ),
    Kind("passages", _live_passages, _passage),
    Kind(
        "conversations",
        lambda client: Conversation.objects.for_client(client).select_related("bot"),
        _conversation,
    ),
    Kind("messages", _messages, _message),
    Kind(
        "websites",
        lambda client: Sighting.objects.for_client(client).select_related("bot"),
        _sighting,
    ),
    Kind(
        "audit_log",
        lambda client: AuditEvent.objects.for_client(client),
        _fields(_EVENT),
    ),
)


def files(client: Client) -> Iterator[Source]:
    """The sources whose original files are kept, in batches of their own."""
    kept = Source.objects.for_client(client).exclude(file="").order_by("pk")
    last = 0
    while batch := list(kept.filter(pk__gt=last)[:BATCH]):
        last = batch[-1].pk
        yield from batch
