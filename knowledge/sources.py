"""Put sources into a knowledge base and take them out again."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path, PurePath

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from knowledge import tasks
from knowledge.engine.detect import HEAD_BYTES, format_of
from knowledge.models import KnowledgeBase, Source, new_source_id
from knowledge.upload import Upload


def add_upload(base: KnowledgeBase, upload: Upload) -> Source:
    """The source of these bytes in this base: a new one, queued, or the one that has them already."""
    return _add(
        base,
        name=upload.name,
        file_format=upload.format,
        size=upload.bytes,
        sha256=upload.sha256,
        file=upload.file,
    )


def add_path(base: KnowledgeBase, path: Path, *, url: str = "") -> Source:
    """The same for a file on this machine. Raises detect.WrongType."""
    with path.open("rb") as file:
        file_format = format_of(path.name, file.read(HEAD_BYTES))
        file.seek(0)
        return _add(
            base,
            name=path.name,
            file_format=file_format,
            size=path.stat().st_size,
            sha256=hashlib.file_digest(file, "sha256").hexdigest(),
            file=File(file, name=path.name),
            url=url,
        )


def _add(
    base: KnowledgeBase,
    *,
    name: str,
    file_format: str,
    size: int,
    sha256: str,
    file: File,
    url: str = "",
) -> Source:
    if (same := _with_bytes(base, sha256)) is not None:
        return same
    public_id = new_source_id()
    stored = default_storage.save(f"{base.client.public_id}/{public_id}", file)
    try:
        with transaction.atomic():
            source = Source.objects.create(
                knowledge_base=base,
                public_id=public_id,
                title=PurePath(name).stem,
                url=url,
                format=file_format,
                file=stored,
                bytes=size,
                sha256=sha256,
            )
            transaction.on_commit(partial(tasks.ingest_source.delay, source.pk), robust=True)
    except IntegrityError:
        # Somebody sent the same bytes at the same moment.
        default_storage.delete(stored)
        return Source.objects.get(knowledge_base=base, sha256=sha256, state__in=_TAKEN)
    except BaseException:
        default_storage.delete(stored)
        raise
    return source


_TAKEN = [state for state in Source.State if state != Source.State.FAILED]


def _with_bytes(base: KnowledgeBase, sha256: str) -> Source | None:
    taken = Source.objects.filter(knowledge_base=base, sha256=sha256, state__in=_TAKEN)
    return taken.first()
