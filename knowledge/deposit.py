"""Put a received file into the storage, with the row beside it that says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from knowledge.discard import discard
from knowledge.models import KnowledgeBase, Source, new_source_id
from knowledge.upload import Upload

_TAKEN = [state for state in Source.State if state != Source.State.FAILED]


def put(
    base: KnowledgeBase, upload: Upload, *, then: Callable[[Source], object], url: str = ""
) -> Source:
    """The source of these bytes in this base: a new one, queued, or the one that has them.

    `then` is called with a new one, in its transaction.
    """
    if (same := _with_bytes(base, upload.sha256)) is not None:
        return same
    public_id = new_source_id()
    stored = default_storage.save(f"{base.client.public_id}/{public_id}", upload.file)
    try:
        with transaction.atomic():
            source = Source.objects.create(
                knowledge_base=base,
                public_id=public_id,
                title=PurePath(upload.name).stem,
                url=url,
                format=upload.format,
                file=stored,
                bytes=upload.bytes,
                sha256=upload.sha256,
            )
            source.passage_count = 0  # nobody need count those of a new one
            then(source)
    except IntegrityError:
        # Somebody sent the same bytes at the same moment.
        discard(stored)
        return Source.objects.get(knowledge_base=base, sha256=upload.sha256, state__in=_TAKEN)
    except BaseException:
        discard(stored)
        raise
    return source


def _with_bytes(base: KnowledgeBase, sha256: str) -> Source | None:
    return Source.objects.filter(knowledge_base=base).holder(sha256)
