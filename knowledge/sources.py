"""Put sources into a knowledge base, and begin again with one that failed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.core.files import File
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import Conflict
from knowledge import deposit, removal, tasks
from knowledge.engine.detect import HEAD_BYTES, format_of
from knowledge.models import KnowledgeBase, Source
from knowledge.upload import Upload
from knowledge.waking import wake_for

# What the caller wants to note in the transaction of the change, such as who made it.
Note = Callable[[Source], object]


def add_path(base: KnowledgeBase, path: Path, *, url: str = "") -> Source:
    """The source of a file on this machine. Raises detect.WrongType."""
    with path.open("rb") as file:
        file_format = format_of(path.name, file.read(HEAD_BYTES))
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        stored = File(file, name=path.name)
        upload = Upload(path.name, file_format, path.stat().st_size, sha256, stored)
        return add_upload(base, upload, url=url)


def add_text(base: KnowledgeBase, title: str, text: str, *, note: Note | None = None) -> Source:
    """The source of a text that somebody wrote."""
    body = f"# {title}\n\n{text}\n".encode()
    sha256 = hashlib.sha256(body).hexdigest()
    # A slash would make a path of the name; reading finds the title again in the heading.
    name = f"{title.replace('/', '-')}.md"
    stored = ContentFile(body, name=name)
    return add_upload(base, Upload(name, "markdown", len(body), sha256, stored), note=note)


def add_upload(
    base: KnowledgeBase, upload: Upload, *, url: str = "", note: Note | None = None
) -> Source:
    """The source of these bytes in this base: a new one, queued, or the one that has them.

    `note` is called with a new one, in its transaction.
    """

    def then(source: Source) -> None:
        if note:
            note(source)
        wake_for(source)

    return deposit.put(base, upload, url=url, then=then)


def remove(source: Source, *, note: Note | None = None) -> None:
    """Let no answer use a source any more, from now on; a worker deletes what it is made of."""
    if removal.hide(source, note=note):
        after_commit(tasks.remove_source.delay, source.pk)


def retry(source: Source) -> None:
    """Begin again with a failed source whose text is still there. Raises Conflict."""
    begin = {"state": Source.State.QUEUED, "attempts": 0, "progress": 0, "error": ""}
    failed = Source.objects.filter(pk=source.pk, state=Source.State.FAILED)
    failed = failed.exclude(~Q(kind=Source.Kind.FAQ), file="")
    try:
        with transaction.atomic():
            queued = failed.update(**begin, lease="", heartbeat_at=timezone.now())
            after_commit(tasks.ingest_next.delay)
    except IntegrityError as error:
        raise Conflict("same_bytes", "The same file was uploaded again meanwhile.") from error
    if not queued:
        raise Conflict("not_retryable", "Its file is gone: please upload it again.")
