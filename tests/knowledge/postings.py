"""What the index of words holds."""

from __future__ import annotations

import numpy as np

from knowledge.lexical import POSTING
from knowledge.models import KnowledgeBase, PostingList


def indexed_passages(base: KnowledgeBase) -> set[int]:
    """The passages that some posting of the base names."""
    lists = PostingList.objects.filter(knowledge_base=base).values_list("data", flat=True)
    packed = b"".join(map(bytes, lists))
    return set(np.frombuffer(packed, POSTING)["passage"].tolist())
