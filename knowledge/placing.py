"""Where a new knowledge base lies: on the Chroma server that has the least to hold."""

from __future__ import annotations

from collections import Counter

from accounts.models import Client
from knowledge.embedding import default_model
from knowledge.models import IndexServer, KnowledgeBase
from knowledge.vectors import shards


def new_base(client: Client, name: str) -> KnowledgeBase:
    """An empty one. All but those of tests are made here."""
    return KnowledgeBase.objects.create(
        client=client, name=name, embedding_model=default_model(), shard=emptiest()
    )


def emptiest() -> str:
    """The shard with the fewest passages of those whose servers are up, as far as is known.

    Of several like that it is the one with the fewest bases: what many new ones will hold is not
    seen yet.
    """
    if len(shards()) == 1:
        return ""
    down = set(IndexServer.objects.down())
    up = [shard for shard in shards() if shard not in down]
    held = loads()
    return min(up or shards(), key=lambda shard: held[shard])


def loads() -> dict[str, tuple[int, int]]:
    """How many passages and bases each of the servers holds; of a shard that is configured no
    more, the usual server does (vectors.vectors)."""
    passages, bases = Counter[str](), Counter[str]()
    for shard, passages_there, bases_there in KnowledgeBase.objects.sizes_by_shard():
        place = shard if shard in shards() else ""
        passages[place] += passages_there
        bases[place] += bases_there
    return {shard: (passages[shard], bases[shard]) for shard in shards()}
