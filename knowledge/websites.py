"""What members and programs do with a client's websites: allowed, done, and noted who did it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urljoin, urlsplit

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client
from billing import gate, limits
from chatbot_saas.lib.after_commit import after_commit
from chatbot_saas.lib.errors import BadRequest, Conflict
from chatbot_saas.lib.net.errors import Blocked
from chatbot_saas.lib.net.guard import target_of
from knowledge import sizes
from knowledge.changes import Changer
from knowledge.crawl import checks, tasks
from knowledge.discard import discard
from knowledge.engine.web.urls import key_of, normal
from knowledge.models import KnowledgeBase, Source, WebPage, WebPageQuerySet, Website

MOST_WEBSITES = 100

Mode, State = Website.Mode, Website.State
PageState = WebPage.State


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the web somebody wants read; no `limit` means as much as the plan holds.

    `depth`: how many links away from the start page of a crawl; 0 means that page alone.
    """

    url: str
    mode: str
    limit: int | None = None
    depth: int | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    schedule: str = Website.Schedule.WEEKLY
    asks_first: bool = False


def add(request: Changer, base: KnowledgeBase, wanted: Wanted) -> Website:
    """The website, queued; the one that is there when it is wanted again in the same way.

    Raises BadRequest for an address that we do not go to, and PlanLimit.
    """
    gate.require_edit(request.client)
    url = checked(wanted.url, wanted.mode)
    with transaction.atomic():
        client = Client.objects.select_for_update().get(pk=request.client.pk)
        same = Website.objects.shown().filter(knowledge_base=base, mode=wanted.mode, url=url)
        if (there := same.first()) is not None:
            return there
        website = _create(client, base, url, wanted)
        _note(request, Action.WEBSITE_ADDED, website)
        after_commit(tasks.crawl_website.delay, website.pk)
    return website


def checked(url: str, mode: str) -> str:
    """The address in the form in which we ask for it. Raises BadRequest."""
    text = url.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        found = normal(target_of(text).url)
    except Blocked as error:
        raise BadRequest("url", error.reason) from error
    if found is None:
        raise BadRequest("url", "This is not an address of a web page.")
    if mode == Mode.SITEMAP and urlsplit(found).path == "/":
        return urljoin(found, "/sitemap.xml")
    return found


def confirm(request: Changer, website: Website, *, but: Collection[int] = ()) -> None:
    """Take the pages that were found, all but some. Raises Conflict."""
    gate.require_edit(request.client)
    with transaction.atomic():
        _move(website, State.FOUND, State.TAKING)
        _leave_out(found(website).filter(pk__in=but))
        _note(request, Action.WEBSITE_TAKEN, website)
        after_commit(tasks.crawl_website.delay, website.pk)


def stop(request: Changer, website: Website) -> None:
    """Look for no more pages. What was found waits for an answer; what was read stays."""
    gate.require_edit(request.client)
    with transaction.atomic():
        if website.state == State.FINDING and found(website).exists():
            _move(website, State.FINDING, State.FOUND)
        elif website.state == State.FINDING:
            _move(website, State.FINDING, State.FAILED, error="It was stopped.")
        else:
            _move(website, website.state, State.READY, last_checked_at=timezone.now())
        waiting = website.pages.waiting()
        waiting.filter(source__isnull=False).update(state=PageState.TAKEN)
        if website.state != State.FOUND:
            _leave_out(website.pages.filter(state__in=[PageState.QUEUED, PageState.FOUND]))
        elif website.mode != Mode.SITEMAP:
            _leave_out(waiting)
        _note(request, Action.WEBSITE_STOPPED, website)


def sync(request: Changer, website: Website) -> None:
    """Look for changes now. Raises Conflict when it is being read, or waits for an answer."""
    gate.require_edit(request.client)
    with transaction.atomic():
        if not checks.begin(website):
            raise Conflict("website_busy", "This website is being read, or waits for your answer.")
        _note(request, Action.WEBSITE_CHECKED, website)
        after_commit(tasks.crawl_website.delay, website.pk)


def remove(request: Changer, website: Website) -> None:
    """Delete a website with all its pages. Answers use none of them from this moment on; the rows
    go in the background."""
    gate.require_edit(request.client)
    with transaction.atomic():
        same = Website.objects.shown().filter(pk=website.pk)
        if not same.update(
            state=State.DELETING, lease="", heartbeat_at=timezone.now(), not_before=None
        ):
            return
        sources = Source.objects.filter(page__website=website).exclude(state=Source.State.GONE)
        sources.hide()
        sizes.recount(website.knowledge_base)
        _note(request, Action.WEBSITE_DELETED, website)
        after_commit(tasks.crawl_website.delay, website.pk)


def _create(client: Client, base: KnowledgeBase, url: str, wanted: Wanted) -> Website:
    if Website.objects.for_client(client).count() >= MOST_WEBSITES:
        raise Conflict("too_many_websites", f"There are {MOST_WEBSITES} websites already.")
    room = limits.require_page(client, pages=WebPage.objects.for_client(client).counted().count())
    is_page = wanted.mode == Mode.PAGE
    website = Website.objects.create(
        knowledge_base=base,
        mode=wanted.mode,
        url=url,
        limit=1 if is_page else min(wanted.limit or room, room),
        depth=_depth(wanted),
        include=list(wanted.include),
        exclude=list(wanted.exclude),
        schedule=wanted.schedule,
        asks_first=wanted.asks_first,
        state=State.FINDING if wanted.asks_first and not is_page else State.TAKING,
    )
    kind = WebPage.Kind.SITEMAP if wanted.mode == Mode.SITEMAP else WebPage.Kind.PAGE
    WebPage.objects.create(website=website, kind=kind, url=url, key=key_of(url))
    return website


def _depth(wanted: Wanted) -> int:
    if wanted.mode != Mode.CRAWL:
        return 0
    return Website.MOST_DEPTH if wanted.depth is None else wanted.depth


def found(website: Website) -> WebPageQuerySet:
    """The pages that wait for an answer."""
    states = [PageState.FOUND]
    if website.mode == Mode.SITEMAP:
        states.append(PageState.QUEUED)  # named by the sitemap, which is enough to ask about them
    return website.pages.pages().filter(state__in=states)


def _leave_out(pages: WebPageQuerySet) -> None:
    for name in pages.exclude(file="").values_list("file", flat=True):
        after_commit(discard, name)
    pages.update(state=PageState.LEFT_OUT, file="")


def _move(website: Website, before: str, after: Website.State, **changes: object) -> None:
    """From one state to another, whoever holds the lease. Raises Conflict."""
    same = Website.objects.filter(pk=website.pk, state=before)
    allowed = before in {State.FINDING, State.FOUND, State.TAKING, State.CHECKING}
    moved = {"state": after, "lease": "", "heartbeat_at": timezone.now(), "not_before": None}
    if not allowed or not same.update(**moved, **changes):
        raise Conflict("website_moved_on", "This website has moved on: please look again.")
    website.state = after


def _note(request: Changer, action: Action, website: Website) -> None:
    by = cast(HttpRequest, request)
    audit.record(by, request.client, action, website.url[:200], website=website.public_id)
