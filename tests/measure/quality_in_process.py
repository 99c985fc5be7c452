"""Children of `quality`: what the API does not show, with the product's settings."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_saas.settings")
django.setup()

from accounts import keys
from accounts.models import Client
from billing import holds
from chat.models import Bot
from knowledge import lexical
from knowledge.embedding import default_model, embedder_for
from knowledge.models import KnowledgeBase, Passage, Source, SourceQuerySet
from knowledge.vectors import vectors
from tests.services.waiting import wait_until

CANDIDATES = 50
MOST_SECONDS = 1800  # for a set to be read


def make(model: str, language: str) -> dict[str, Any]:
    """A client that may have any number of documents, its bot and a key."""
    client = Client.objects.create(name="Questions")
    holds.give_for_ever(client)
    base = KnowledgeBase.objects.create(
        client=client, name="Q", language=language, embedding_model=model or default_model()
    )
    bot = Bot.objects.create(client=client, knowledge_base=base, name="Q")
    _, key = keys.make(client, "Questions")
    return {"base": base.pk, "bot": bot.public_id, "key": key, "model": base.embedding_model}


def wait(base: str) -> dict[str, int]:
    """Until answers can use all documents; one that failed ends everything."""
    sources = Source.objects.filter(knowledge_base_id=int(base))
    wait_until(lambda: not _behind(sources), MOST_SECONDS, every=0.5)
    return {"documents": sources.count()}


def _behind(sources: SourceQuerySet) -> bool:
    if failed := sources.filter(state=Source.State.FAILED).first():
        sys.exit(f"{failed.title}: {failed.error}")
    return sources.unfinished().exists() or sources.unindexed().exists()


def halves(base_id: str) -> dict[str, dict[str, list[str]]]:
    """The sources by words alone and by vectors alone for the questions on standard input."""
    base = KnowledgeBase.objects.get(pk=base_id)
    rows = Passage.objects.filter(source__knowledge_base=base)
    source_of = dict(rows.values_list("pk", "source__public_id"))
    words, near = dict[str, list[str]](), dict[str, list[str]]()
    for question, text in json.load(sys.stdin).items():
        best = lexical.best(lexical.prepare(base, text), CANDIDATES)
        words[question] = [source_of[one] for one in best]
        vector = embedder_for(base.embedding_model).embed([text])[0]
        found = vectors(base.shard).nearest(base.collection, vector, CANDIDATES)
        near[question] = [source_of[one.passage_id] for one in found]
    return {"words": words, "vectors": near}


CALLS: dict[str, Callable[..., object]] = {"make": make, "wait": wait, "halves": halves}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps(CALLS[name](*arguments)))
