"""Collections that knowledge bases left behind on the servers that they moved away from.

No name is used twice, so dropping one that is gone already, also twice at once, does no harm.
"""

from __future__ import annotations

import logging

from chatbot_saas.lib.lease import stale_since
from knowledge.models import KnowledgeBase, LeftCollection
from knowledge.vectors import VectorsDown, vectors

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 200


def sweep() -> None:
    """Drop them. Those on a server that does not answer wait until it does."""
    down = set[str]()
    for left in LeftCollection.objects.droppable(stale_since()).order_by("pk")[:MOST_AT_ONCE]:
        if left.shard in down:
            continue
        try:
            _drop(left)
        except VectorsDown as error:
            logger.warning("%s is dropped later: %s", left, error)
            down.add(left.shard)


def drop_of(base: KnowledgeBase) -> None:
    """Those of a base that is deleted. Raises VectorsDown."""
    for left in LeftCollection.objects.filter(knowledge_base=base):
        _drop(left)


def _drop(left: LeftCollection) -> None:
    vectors(left.shard).drop(left.collection)
    left.delete()
