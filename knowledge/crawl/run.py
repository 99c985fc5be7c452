"""A worker's slice of the work on a website: some pages, then others have their turn."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from functools import partial
from urllib.parse import urljoin

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from billing.limits import PlanLimit
from chatbot_saas.lib.lease import LeaseLost, renew
from chatbot_saas.lib.net.errors import (
    FetchError,
    Refused,
    TooSlow,
    Unreachable,
    WrongType,
)
from chatbot_saas.lib.storage import StorageDown
from knowledge import removal
from knowledge.crawl import hosts, take, visit
from knowledge.crawl.frontier import Frontier
from knowledge.crawl.hosts import Closed
from knowledge.crawl.lease import claim, put_down
from knowledge.crawl.visit import NotWanted
from knowledge.discard import discard
from knowledge.engine.errors import Unreadable
from knowledge.engine.reading_processes import ServerGone
from knowledge.engine.web.robots import Rules
from knowledge.models import Source, WebPage, WebPageQuerySet, Website

logger = logging.getLogger(__name__)

SLICE_SECONDS = 10.0
PATIENCE = 1.5  # seconds for which a worker is kept waiting for a server
MOST_TRIES = 3
DELETED_AT_ONCE = 50
MEANWHILE = "The same text was added at the same moment."
BROKEN_OFF = "Reading it was broken off."

State = Website.State
PageState = WebPage.State


def crawl(website_id: int) -> float | None:
    """Work on a website for a while. The seconds after which to wake somebody to go on; None when
    there is nothing (more) to do, or not for long. Harmless to call twice, at once or again."""
    website = claim(website_id)
    if website is None:
        return None
    try:
        wait = _delete_some(website) if website.state == State.DELETING else _work(website)
        return None if wait is None else put_down(website, wait)
    except StorageDown as error:
        # Its lease runs out, and then somebody tries again.
        logger.warning("website %s waits: the storage is down (%s)", website.public_id, error)
        return None
    except LeaseLost:
        logger.info("website %s was taken over, stopped or deleted", website.public_id)
        return None


def _work(website: Website) -> float | None:
    frontier, end = Frontier.of(website), time.monotonic() + SLICE_SECONDS
    while time.monotonic() < end:
        page = _next(website)
        if page is None:
            _finish(website)
            return None
        if page.state == PageState.FOUND:
            _take_found(website, page)
            continue
        wait = _ask(website, page, frontier)
        if wait > PATIENCE:
            return wait
        time.sleep(wait)
    return 0.0


def _next(website: Website) -> WebPage | None:
    """Sitemaps first, then what was found already, then pages in the order of the site; those
    that failed wait until the others are done."""
    rows: WebPageQuerySet = website.pages.select_related("source")
    waiting = rows.waiting()
    if website.state == State.FINDING and website.mode == Website.Mode.SITEMAP:
        waiting = waiting.filter(kind=WebPage.Kind.SITEMAP)
    sitemap = waiting.filter(kind=WebPage.Kind.SITEMAP, attempts=0).order_by("pk").first()
    if sitemap is not None:
        return sitemap
    if website.state == State.TAKING:
        found = rows.filter(state=PageState.FOUND).order_by("pk").first()
        if found is not None:
            return found
    return waiting.order_by("attempts", "depth", "pk").first()


def _take_found(website: Website, page: WebPage) -> None:
    try:
        take.take_found(website, page)
    except PlanLimit as error:
        _no_room(website, page, error)


def _ask(website: Website, page: WebPage, frontier: Frontier) -> float:
    """Visit a page, unless its server must be left alone for some more seconds: those."""
    if page.attempts >= MOST_TRIES:
        take.fail(website, page, page.error or "It could not be read, also after several tries.")
        return 0.0
    host = hosts.host_of(page.url)
    renew(website)
    try:
        rules = hosts.rules_of(host)
    except Closed as error:
        take.give_up(website, str(error))
        return 0.0
    wait = hosts.take_turn(host, rules)
    if not wait:
        # Before the visit: a page that kills its worker must not be the next one for ever.
        WebPage.objects.filter(pk=page.pk).update(attempts=F("attempts") + 1)
        _visit(website, page, rules, frontier)
    return wait


def _visit(website: Website, page: WebPage, rules: Rules, frontier: Frontier) -> None:
    try:
        if page.kind == WebPage.Kind.SITEMAP:
            _read_sitemap(website, page, rules, frontier)
        else:
            _read_page(website, page, rules, frontier)
    except FetchError as error:
        _not_fetched(website, page, error)
    except (Unreadable, NotWanted) as error:
        _not_read(website, page, error)
    except PlanLimit as error:
        _no_room(website, page, error)
    except StorageDown:
        WebPage.objects.filter(pk=page.pk).update(attempts=page.attempts)  # not its fault
        raise
    except (IntegrityError, ServerGone) as error:
        _again_later(website, page, MEANWHILE if isinstance(error, IntegrityError) else BROKEN_OFF)
    else:
        hosts.answers(page.url)


def _not_fetched(website: Website, page: WebPage, error: FetchError) -> None:
    if isinstance(error, TooSlow | Unreachable):
        hosts.does_not_answer(page.url, error.reason)
        _again_later(website, page, error.reason)
    elif isinstance(error, Refused):
        _refused(website, page, error)
    else:
        take.fail(website, page, error.reason, drop=isinstance(error, WrongType))


def _not_read(website: Website, page: WebPage, error: Unreadable | NotWanted) -> None:
    """Sites have moments in which their pages are empty: what was read stays until the next look
    finds the same. Not against its owner's will."""
    reason = str(error)
    drop = isinstance(error, NotWanted) or page.error == reason
    take.fail(website, page, reason, drop=drop)


def _read_page(website: Website, page: WebPage, rules: Rules, frontier: Frontier) -> None:
    found = visit.page_of(website, page, rules, beat=partial(renew, website))
    if found is None:
        take.unchanged(website, page)
        return
    if page.depth == 0 and website.mode == Website.Mode.CRAWL and not website.is_near:
        named = rules.sitemaps or [urljoin(found.url, "/sitemap.xml")]
        frontier.add_sitemaps(named, depth=1)
    keep = take.keep_for_later if website.state == State.FINDING else take.take
    keep(website, page, found, frontier)


def _read_sitemap(website: Website, page: WebPage, rules: Rules, frontier: Frontier) -> None:
    found = visit.sitemap_of(website, page, rules, beat=partial(renew, website))
    with transaction.atomic():
        renew(website)
        frontier.add_sitemaps(found.maps, depth=page.depth + 1)
        frontier.add(found.pages, depth=1)
        now = timezone.now()
        website.pages.filter(pk=page.pk).update(
            state=PageState.DONE, error="", attempts=0, last_checked_at=now
        )


def _refused(website: Website, page: WebPage, error: Refused) -> None:
    if error.is_gone:
        take.gone(website, page)
    elif error.status == 429 or error.status >= 500:
        if error.retry_after:
            hosts.leave_alone(page.url, error.retry_after)
        _again_later(website, page, error.reason)
    else:
        take.fail(website, page, error.reason)


def _again_later(website: Website, page: WebPage, reason: str) -> None:
    """Try again once the others are done; each time after a longer pause."""
    tries = page.attempts + 1
    renew(website)
    website.pages.filter(pk=page.pk).update(attempts=tries, error=reason[:300])
    pause = settings.CRAWL_DELAY_MILLISECONDS / 1000 * 5 * tries
    hosts.leave_alone(page.url, pause)


def _no_room(website: Website, page: WebPage, error: PlanLimit) -> None:
    take.fail(website, page, error.message)
    renew(website, error=error.message[:300])


def _finish(website: Website) -> None:
    """Say how it ended."""
    now, pages = timezone.now(), website.pages.pages()
    reached = PageState.FOUND if website.state == State.FINDING else PageState.TAKEN
    is_empty = not pages.filter(state__in=[reached, PageState.SAME, PageState.QUEUED]).exists()
    if is_empty:
        _end(website, State.FAILED, now, error=_why_empty(website))
    elif website.state == State.FINDING:
        renew(website, state=State.FOUND, lease="", last_checked_at=now)
    else:
        _end(website, State.READY, now, error=website.error)


def _end(website: Website, state: State, now: datetime, *, error: str) -> None:
    checks = {"last_checked_at": now, "next_check_at": website.next_check(now)}
    renew(website, state=state, error=error[:300], lease="", **checks)


def _why_empty(website: Website) -> str:
    failed = website.pages.exclude(error="").order_by("depth", "pk").first()
    return failed.error if failed else "There is no page here that could be read."


def _delete_some(website: Website) -> float | None:
    """Answers do not use its pages any more; here their rows and files go."""
    for source in Source.objects.filter(page__website=website)[:DELETED_AT_ONCE]:
        renew(website)
        removal.remove(source)
    if Source.objects.filter(page__website=website).exists():
        return 0.0
    for name in website.pages.exclude(file="").values_list("file", flat=True):
        discard(name)
    website.delete()
    return None
