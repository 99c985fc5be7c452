"""What a visit changes in our rows: each page in one transaction that first checks the lease."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from billing import limits
from chatbot_saas.lib.lease import renew
from knowledge import holdings, page_sources, removal
from knowledge.crawl.frontier import Frontier
from knowledge.crawl.visit import Visit
from knowledge.discard import discard
from knowledge.engine.web.urls import key_of
from knowledge.models import Source, WebPage, Website
from knowledge.page_sources import PageFile

State = WebPage.State


def unchanged(website: Website, page: WebPage) -> None:
    _note(website, page, state=State.TAKEN)


def keep_for_later(website: Website, page: WebPage, visit: Visit, frontier: Frontier) -> None:
    """Of a page that was found: its text waits until somebody says that it is wanted."""
    if not _settle_address(website, page, visit):
        return
    with _stored(website, page, visit) as name, transaction.atomic():
        _note(website, page, state=State.FOUND, file=name, **_facts(visit))
        frontier.follow(visit.links.links, depth=page.depth + 1)


def take(website: Website, page: WebPage, visit: Visit, frontier: Frontier) -> None:
    """Make the page a source, or give its source the new text.

    Raises billing's PlanLimit, and IntegrityError when the same text comes in at this moment.
    """
    if not _settle_address(website, page, visit):
        return
    if _is_read_already(page, visit):
        with transaction.atomic():
            _note(website, page, state=State.TAKEN, **_facts(visit))
            frontier.follow(visit.links.links, depth=page.depth + 1)
    elif _is_elsewhere(website, page, visit.sha256):
        _drop_source(website, page)
        _note(website, page, state=State.SAME, **_facts(visit))
        frontier.follow(visit.links.links, depth=page.depth + 1)
    else:
        with _stored(website, page, visit) as name, transaction.atomic():
            _note(website, page, state=State.TAKEN, **_facts(visit))
            _give(website, page, _file(page, name))
            frontier.follow(visit.links.links, depth=page.depth + 1)


def _is_read_already(page: WebPage, visit: Visit) -> bool:
    source = page.source
    if source is None or source.state == Source.State.FAILED:
        return False
    return source.sha256 == visit.sha256


def take_found(website: Website, page: WebPage) -> None:
    """Make a source of a page whose file waits here. Raises as `take` does."""
    file, is_copy = _file(page, page.file), _is_elsewhere(website, page, page.sha256)
    with transaction.atomic():
        _note(website, page, state=State.SAME if is_copy else State.TAKEN, file="")
        if not is_copy:
            _give(website, page, file)
    if is_copy:
        discard(file.name)


def fail(website: Website, page: WebPage, reason: str, *, drop: bool = False) -> None:
    """Say why a page is not read; `drop` also what was read of it before."""
    if drop:
        _drop_source(website, page)
    _note(website, page, state=State.FAILED, error=reason[:300])


def gone(website: Website, page: WebPage) -> None:
    """The page is no more: answers must not use it."""
    _drop_source(website, page)
    _note(website, page, state=State.GONE, error="There is no such page any more.")


def give_up(website: Website, reason: str) -> None:
    """Nothing can be asked now: what was read stays, what was not is not."""
    with transaction.atomic():
        renew(website, error=reason[:300])
        waiting = website.pages.waiting()
        waiting.filter(source__isnull=False).update(state=State.TAKEN, error=reason[:300])
        waiting.update(state=State.FAILED, error=reason[:300])


def _drop_source(website: Website, page: WebPage) -> None:
    """Before anything is noted: whoever dies in between finds the page waiting still."""
    if page.source is not None:
        renew(website)
        removal.remove(page.source)
        page.source = None


def _is_elsewhere(website: Website, page: WebPage, sha256: str) -> bool:
    """Whether another source has this text already: one is enough, and the older one stays."""
    holder = page_sources.holder(website.knowledge_base, sha256)
    return holder is not None and holder.pk != page.source_id


def _give(website: Website, page: WebPage, file: PageFile) -> None:
    """The file to the page's source, within the transaction."""
    client = website.knowledge_base.client
    used = holdings.of(client)["knowledge_bytes"]
    limits.require_bytes(client, used_bytes=used, new_bytes=file.bytes)
    if page.source is not None:
        page_sources.replace(page.source, file)
        return
    page.source = page_sources.add(website.knowledge_base, file)
    page.save(update_fields=["source"])


def _settle_address(website: Website, page: WebPage, visit: Visit) -> bool:
    """Note where the page really lies; False when that place has a row of its own already."""
    key = key_of(visit.url)
    if key != page.key:
        other = website.pages.filter(kind=page.kind, key=key).exclude(pk=page.pk).first()
        if other is not None:
            _join(website, page, other)
            return False
        if page.depth == 0 and page.source is None:
            renew(website, url=visit.url)
    page.url, page.key = visit.url, key
    return True


def _join(website: Website, page: WebPage, other: WebPage) -> None:
    """The page lies where the other one does. What was read of it goes over to one that is yet
    to be looked at, so that answers miss nothing meanwhile."""
    if other.source_id is not None or other.state != State.QUEUED:
        _drop_source(website, page)
    source, sha256 = page.source, page.sha256
    page.source = None
    with transaction.atomic():
        _note(website, page, state=State.SAME, source=None)
        if source is not None:
            website.pages.filter(pk=other.pk).update(source=source, sha256=sha256)


def _facts(visit: Visit) -> dict[str, object]:
    return {
        "title": visit.links.title,
        "bytes": len(visit.body),
        "sha256": visit.sha256,
        "etag": visit.etag,
        "last_modified": visit.last_modified,
    }


def _file(page: WebPage, name: str) -> PageFile:
    return PageFile(page.url, page.title, name, page.bytes, page.sha256)


@contextmanager
def _stored(website: Website, page: WebPage, visit: Visit) -> Iterator[str]:
    """The body as a file of the storage, which is deleted when what follows fails.

    Its name is never used again, also when the same text comes back: somebody may be about to
    delete the file of the version before. What a killed worker leaves is found at night (orphans).
    """
    folder = website.knowledge_base.client.public_id
    name = f"{folder}/{website.public_id}-{page.pk}-{secrets.token_hex(8)}"
    stored = str(default_storage.save(name, ContentFile(visit.body)))
    try:
        yield stored
    except BaseException:
        discard(stored)
        raise


def _note(website: Website, page: WebPage, **changes: object) -> None:
    """Beat, and write `changes` and the page's address."""
    renew(website)
    written = {"error": "", "attempts": 0, "run": website.run, "last_checked_at": timezone.now()}
    for name, value in (written | changes).items():
        setattr(page, name, value)
    page.save(update_fields=["url", "key", *written, *changes])
