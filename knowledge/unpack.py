"""A ZIP that was sent becomes a document of each file in it, and is itself forgotten.

Also here the row is the job: a worker that is killed in the middle leaves the archive unfinished,
and the next one finds the same bytes taken already.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from functools import partial
from typing import IO

from django.conf import settings
from django.core.files import File

from accounts.models import Client
from billing import limits
from billing.limits import PlanLimit
from chatbot_saas.lib.after_commit import after_commit
from knowledge import deposit, holdings, jobs, removal
from knowledge.engine.archive import Member, members
from knowledge.engine.errors import Unreadable
from knowledge.local_copy import local_copy
from knowledge.models import Source
from knowledge.upload import Upload, too_large

IN_MEMORY = 1024 * 1024
MOST_NAMED = 3  # of the files that were refused, in the reason that people see


def unpacked(archive: Source, *, wake: Callable[[], object] = lambda: None) -> list[int]:
    """The ids of the sources that a claimed archive becomes.

    `wake` is called for the first of them: who is free begins with these while the rest comes out.
    """
    taken = list[int]()
    jobs.work_on(archive, lambda archive: taken.extend(_unpack(archive, wake)))
    return taken


def _unpack(archive: Source, wake: Callable[[], object]) -> list[int]:
    """Each member as a source of its own. Raises Unreadable when none can be taken."""
    taken, refused = list[int](), list[str]()
    with local_copy(archive.file, beat=partial(jobs.renew, archive)) as path:
        for member in members(path):
            jobs.renew(archive)
            if not isinstance(member, Member):
                refused.append(f"{member.name}: {member.reason}")
            elif member.size > settings.MAX_UPLOAD_BYTES:
                refused.append(f"{member.name}: {too_large().message}")
            else:
                try:
                    taken.append(_take(archive, member).pk)
                    if len(taken) <= jobs.WOKEN_AT_ONCE:
                        after_commit(wake)
                except PlanLimit as error:
                    refused.append(f"{member.name}: {error.message}")
                    break  # so would be all that follow
                except Unreadable as error:
                    refused.append(f"{member.name}: {error}")
    if not taken:
        raise Unreadable(_why(refused))
    _tell(archive, refused)
    removal.remove(archive)
    return taken


def _take(archive: Source, member: Member) -> Source:
    base = archive.knowledge_base
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(settings.FILE_UPLOAD_TEMP_DIR)) as file:
        sha256 = _written(member, file)
        stored = File(file, name=member.name)
        upload = Upload(member.name, member.format, member.size, sha256, stored)
        return deposit.put(base, upload, then=lambda source: _let_in(base.client, source, archive))


def _written(member: Member, file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in member.chunks():
        digest.update(chunk)
        file.write(chunk)
    file.seek(0)
    return digest.hexdigest()


def _let_in(client: Client, source: Source, archive: Source) -> None:
    """Raise PlanLimit where it is too much, which takes it back; the archive goes in its place."""
    locked = Client.objects.select_for_update().get(pk=client.pk)
    there = holdings.of(locked, without=source)
    limits.require_document(
        locked,
        documents=there["documents"] - 1,
        used_bytes=there["knowledge_bytes"] - archive.bytes,
        new_bytes=source.bytes,
    )


def _tell(archive: Source, refused: list[str]) -> None:
    """What was left behind stands in the list, as a failed document that says which files."""
    if refused:
        Source.objects.create(
            knowledge_base=archive.knowledge_base,
            title=archive.title,
            format=archive.format,
            sha256=archive.sha256,
            state=Source.State.FAILED,
            error=_why(refused)[:300],
        )


def _why(refused: list[str]) -> str:
    rest = len(refused) - MOST_NAMED
    more = f" And {rest:,} more." if rest > 0 else ""
    count = "One file" if len(refused) == 1 else f"{len(refused):,} files"
    return f"{count} of this ZIP cannot be read. {' '.join(refused[:MOST_NAMED])}{more}"
