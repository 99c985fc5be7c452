"""A document that takes several batches, in the hands of the test."""

from __future__ import annotations

from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from knowledge.models import KnowledgeBase, Source


def long_source(base: KnowledgeBase, text: str) -> Source:
    """One that this process works on."""
    return Source.objects.create(
        knowledge_base=base,
        title="Rooms",
        format="markdown",
        bytes=len(text),
        sha256=uuid4().hex,
        file=default_storage.save("sources/rooms.md", ContentFile(text)),
        state=Source.State.READING,
        lease="ours",
    )
