"""Websites that a client wants read, and the state of each of their pages.

A website's row is the job, as a source's is: whoever works on it holds its lease.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models.functions import Coalesce

from accounts.models import Client
from chatbot_saas.lib.ids import new_id
from knowledge.engine.web.scope import Scope
from knowledge.models.bases import KnowledgeBase
from knowledge.models.sources import Source


def new_website_id() -> str:
    return new_id("web")


class WebsiteQuerySet(models.QuerySet["Website"]):
    def for_client(self, client: Client) -> WebsiteQuerySet:
        return self.filter(knowledge_base__client=client)

    def shown(self) -> WebsiteQuerySet:
        """Those that are not being deleted."""
        return self.exclude(state=Website.State.DELETING)

    def with_page_counts(self) -> WebsiteQuerySet:
        """Each with `found_count` and `taken_count`, `failed_count` and `queued_count`."""
        state = WebPage.State
        groups = {
            "found_count": [state.FOUND],
            "taken_count": [state.TAKEN],
            "failed_count": [state.FAILED],
            "queued_count": [state.QUEUED],
        }
        pages = WebPage.objects.filter(website=models.OuterRef("pk"), kind=WebPage.Kind.PAGE)
        return self.annotate(
            **{name: _count(pages.filter(state__in=states)) for name, states in groups.items()}
        )

    def unfinished(self) -> WebsiteQuerySet:
        return self.filter(state__in=Website.WORKING)

    def abandoned(self, before: datetime) -> WebsiteQuerySet:
        """Unfinished, and nobody has worked on them since `before`; not of clients that may not
        change anything, except to be deleted."""
        goes_on = models.Q(knowledge_base__client__is_active=True)
        goes_on |= models.Q(state=Website.State.DELETING)
        return self.unfinished().filter(goes_on, heartbeat_at__lt=before)

    def awake(self, now: datetime) -> WebsiteQuerySet:
        """Those whose server need not be left alone any longer."""
        return self.filter(models.Q(not_before=None) | models.Q(not_before__lte=now))

    def due(self, now: datetime) -> WebsiteQuerySet:
        """At rest, and to be looked at again; not of clients that may not change anything."""
        at_rest = self.filter(state__in=[Website.State.READY, Website.State.FAILED])
        return at_rest.filter(next_check_at__lte=now, knowledge_base__client__is_active=True)


def _count(rows: models.QuerySet) -> Coalesce:
    counts = rows.order_by().values("website").annotate(count=models.Count("pk"))
    return Coalesce(models.Subquery(counts.values("count")), 0)


class Website(models.Model):
    """A page, a site or the list of a sitemap, read once and then looked at again and again."""

    class Mode(models.TextChoices):
        PAGE = "page", "One page"
        CRAWL = "crawl", "The whole website"
        SITEMAP = "sitemap", "The pages of a sitemap"

    class State(models.TextChoices):
        FINDING = "finding", "Looking for pages"
        FOUND = "found", "Waits for you"
        TAKING = "taking", "Reading pages"
        CHECKING = "checking", "Looking for changes"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        DELETING = "deleting", "Being deleted"

    class Schedule(models.TextChoices):
        NEVER = "never", "Only when I say so"
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"

    WORKING = (State.FINDING, State.TAKING, State.CHECKING, State.DELETING)
    PAUSES = {Schedule.DAILY: 1, Schedule.WEEKLY: 7, Schedule.MONTHLY: 30}

    # Links between the start page and another: what is further away is not looked for.
    MOST_DEPTH = 10

    knowledge_base = models.ForeignKey(
        KnowledgeBase, on_delete=models.CASCADE, related_name="websites"
    )
    public_id = models.CharField(max_length=32, unique=True, default=new_website_id, editable=False)
    mode = models.CharField(max_length=8, choices=Mode.choices)
    url = models.URLField(max_length=1000)
    limit = models.PositiveIntegerField()
    depth = models.PositiveSmallIntegerField(default=MOST_DEPTH)
    include = models.JSONField(default=list, blank=True)
    exclude = models.JSONField(default=list, blank=True)
    # Whether somebody wants to see what was found before it is taken.
    asks_first = models.BooleanField(default=False)
    schedule = models.CharField(max_length=8, choices=Schedule.choices, default=Schedule.WEEKLY)

    state = models.CharField(max_length=8, choices=State.choices, default=State.FINDING)
    error = models.CharField(max_length=300, blank=True)
    # Counts the times that it was looked at; a page with the same number was looked at in this one.
    run = models.PositiveIntegerField(default=1)
    lease = models.CharField(max_length=32, blank=True)
    heartbeat_at = models.DateTimeField(auto_now_add=True)
    # Put down until then: its server wants to be left alone.
    not_before = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_checked_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)

    objects = WebsiteQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["knowledge_base", "-id"]),
            models.Index(fields=["state", "heartbeat_at"], name="websites_by_state"),
            models.Index(fields=["next_check_at"]),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def is_working(self) -> bool:
        return self.state in self.WORKING

    @property
    def can_be_stopped(self) -> bool:
        return self.is_working and self.state != self.State.DELETING

    @property
    def is_at_rest(self) -> bool:
        return self.state in {self.State.READY, self.State.FAILED}

    @property
    def is_near(self) -> bool:
        """Whether only what lies near its start page is wanted. Then its sitemap is no help: that
        does not say how far away a page is."""
        return self.mode == self.Mode.CRAWL and self.depth < self.MOST_DEPTH

    @property
    def scope(self) -> Scope:
        return Scope(self.url, tuple(self.include), tuple(self.exclude))

    def next_check(self, now: datetime) -> datetime | None:
        days = self.PAUSES.get(self.Schedule(self.schedule))
        return now + timedelta(days=days) if days else None


class WebPageQuerySet(models.QuerySet["WebPage"]):
    def for_client(self, client: Client) -> WebPageQuerySet:
        return self.filter(website__knowledge_base__client=client)

    def pages(self) -> WebPageQuerySet:
        return self.filter(kind=WebPage.Kind.PAGE)

    def counted(self) -> WebPageQuerySet:
        """Those that count against a plan: read, or about to be."""
        states = [WebPage.State.QUEUED, WebPage.State.FOUND, WebPage.State.TAKEN]
        return self.pages().filter(state__in=states)

    def waiting(self) -> WebPageQuerySet:
        return self.filter(state=WebPage.State.QUEUED)


class WebPage(models.Model):
    """An address of a website: a page, or a sitemap that names pages."""

    class Kind(models.TextChoices):
        PAGE = "page"
        SITEMAP = "sitemap"

    class State(models.TextChoices):
        QUEUED = "queued", "Waits"
        FOUND = "found", "Found"
        TAKEN = "taken", "Read"
        SAME = "same", "Same as another"
        LEFT_OUT = "left_out", "Left out"
        FAILED = "failed", "Not read"
        GONE = "gone", "Gone"
        DONE = "done", "Read"  # of a sitemap

    website = models.ForeignKey(Website, on_delete=models.CASCADE, related_name="pages")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PAGE)
    url = models.URLField(max_length=1000)
    key = models.CharField(max_length=1000)  # see engine.web.urls.key_of
    depth = models.PositiveSmallIntegerField(default=0)
    title = models.CharField(max_length=255, blank=True)
    # Gone by hand when the page was TAKEN: then it stays out.
    source = models.OneToOneField(
        Source, on_delete=models.SET_NULL, null=True, blank=True, related_name="page"
    )
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)  # of the text that is read from it
    # What was found waits here until it is taken.
    file = models.CharField(max_length=255, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    error = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    run = models.PositiveIntegerField(default=0)
    last_checked_at = models.DateTimeField(null=True, blank=True)

    objects = WebPageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["website", "kind", "key"], name="no_page_twice")
        ]
        indexes = [models.Index(fields=["website", "state"])]

    def __str__(self) -> str:
        return self.url


class WebHost(models.Model):
    """A server that we ask: its robots.txt, and when it may be asked again.

    Shared by all clients whose pages lie there: its owner sees one visitor.
    """

    origin = models.CharField(max_length=300, unique=True)
    robots = models.TextField(blank=True)
    # Why it must not be asked at all; "" where robots.txt decides.
    closed = models.CharField(max_length=300, blank=True)
    failures = models.PositiveIntegerField(default=0)  # one after the other
    robots_until = models.DateTimeField()
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.origin
