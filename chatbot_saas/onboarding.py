"""Set a new company up: the company itself, an empty knowledge base, and a bot that knows it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.db import transaction
from django.http import HttpRequest

from accounts import access, audit, companies
from accounts.audit import Action
from accounts.models import Client, User
from billing.reconcile import reconcile
from chat.models import Bot
from knowledge.placing import new_base

MOST_BOT_NAME = 80


@transaction.atomic
def set_up(request: HttpRequest, user: User, *, name: str, website: str) -> Client:
    """A company that can take its first document; pressed twice it is the same one."""
    client = companies.create(user, name, website)
    access.switch(request, client)
    if Bot.objects.for_client(client).exists():
        return client
    Bot.objects.create(
        client=client,
        knowledge_base=new_base(client, "Knowledge"),
        name=name[:MOST_BOT_NAME],
        allowed_domains=domains_of(website),
    )
    reconcile(client)  # its trial begins now
    audit.record(request, client, Action.CLIENT_CREATED, name)
    return client


def domains_of(website: str) -> list[str]:
    """The hosts on which a company of this website wants its chat: with and without www."""
    host = (urlsplit(website).hostname or "").lower()
    if not host:
        return []
    bare = host.removeprefix("www.")
    return [bare, f"www.{bare}"]
