"""What a client put in, and the passages that it was split into."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language_info

from accounts.models import Client
from chatbot_saas.lib.ids import new_id
from knowledge.engine import formats
from knowledge.models.bases import KnowledgeBase


def new_source_id() -> str:
    return new_id("src")


class SourceQuerySet(models.QuerySet["Source"]):
    def for_client(self, client: Client) -> SourceQuerySet:
        """Without those that somebody deleted: what is left of them is a worker's to clear."""
        return self.filter(knowledge_base__client=client).exclude(state=Source.State.GONE)

    def documents(self) -> SourceQuerySet:
        """Files and pages. Questions and answers have a list of their own."""
        return self.exclude(kind=Source.Kind.FAQ)

    def with_passage_counts(self) -> SourceQuerySet:
        """Each with its `passage_count`; counted for the rows that are fetched, not for all."""
        current = Passage.objects.filter(source=models.OuterRef("pk"))
        counts = current.filter(version=models.OuterRef("version")).order_by().values("source")
        count = models.Subquery(counts.annotate(count=models.Count("pk")).values("count"))
        return self.annotate(passage_count=Coalesce(count, 0))  # type: ignore[no-redef]

    def with_bots(self) -> SourceQuerySet:
        """Each with its `bot_id`."""
        own = KnowledgeBase.objects.filter(pk=models.OuterRef("knowledge_base"))
        return self.annotate(bot_id=models.Subquery(own.bot_ids()[:1]))  # type: ignore[no-redef]

    def unfinished(self) -> SourceQuerySet:
        return self.filter(state__in=Source.WORKING)

    def hide(self) -> None:
        """Take them out of answers and lists; what they are made of goes later. Whoever works on
        one loses the lease, and the same bytes may come in again."""
        self.in_order().update(
            state=Source.State.GONE,
            live_version=0,
            indexed_version=0,
            lease="",
            sha256=models.F("public_id"),
            heartbeat_at=timezone.now(),
        )

    def in_order(self) -> SourceQuerySet:
        """Locked one after the other as by everybody, before they are changed in one statement;
        in a transaction."""
        list(self.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
        return self

    def takeable(self, before: datetime) -> SourceQuerySet:
        """Unfinished, and nobody works on them, or nobody has since `before`."""
        is_free = models.Q(lease="") | models.Q(heartbeat_at__lt=before)
        return self.unfinished().filter(is_free)

    def queued_before(self, source: Source, *, within: timedelta) -> SourceQuerySet:
        """Those that wait for their first worker, or for the next one, since a moment before."""
        since = source.heartbeat_at - within
        before = self.filter(heartbeat_at__gt=since, heartbeat_at__lt=source.heartbeat_at)
        return before.filter(state=Source.State.QUEUED, lease="")

    def short(self) -> SourceQuerySet:
        return self.filter(bytes__lte=Source.SHORT_BYTES, format__in=Source.PLAIN)

    def in_work(self, since: datetime) -> SourceQuerySet:
        """Somebody works on them, and has shown it since then."""
        return self.unfinished().exclude(lease="").filter(heartbeat_at__gte=since)

    def abandoned(self, before: datetime) -> SourceQuerySet:
        """Unfinished, and nobody has worked on them since `before`."""
        return self.unfinished().filter(heartbeat_at__lt=before)

    def live_versions(self, public_ids: Iterable[str]) -> dict[str, int]:
        """The version that answers may use, of those of these that they may use at all."""
        live = self.filter(public_id__in=list(public_ids), live_version__gt=0)
        return dict(live.values_list("public_id", "live_version"))

    def holder(self, sha256: str) -> Source | None:
        """The one that has these bytes, also where they answer only until a new version is ready.

        Those that are deleted have other ones (`hide`).
        """
        now = self.filter(sha256=sha256).exclude(state=Source.State.FAILED)
        until_read = self.unfinished().filter(previous__sha256=sha256)
        # One question for both would go through all sources of a base. Nearly always there is
        # none, which costs less to learn of a key than of a row.
        for found in (now, until_read):
            if (pk := found.values_list("pk", flat=True).first()) is not None:
                return self.filter(pk=pk).first()
        return None

    def unindexed(self) -> SourceQuerySet:
        """Ready, but Chroma does not hold them yet."""
        ready = self.filter(state=Source.State.READY)
        return ready.exclude(indexed_version=models.F("live_version"))


class Source(models.Model):
    """One thing that a client put in. The row is the job: its state, progress and heartbeat."""

    class Kind(models.TextChoices):
        FILE = "file"
        PAGE = "page"
        FAQ = "faq"

    class State(models.TextChoices):
        QUEUED = "queued"
        READING = "reading"
        EMBEDDING = "embedding"
        READY = "ready"
        FAILED = "failed"
        GONE = "gone"  # deleted; its passages and files go next

    WORKING = (State.QUEUED, State.READING, State.EMBEDDING)
    # What is read and embedded in a moment, whatever stands in it.
    SHORT_BYTES = 64 * 1024
    PLAIN = tuple(one.key for one in formats.FORMATS if one.shell == formats.Shell.TEXT)
    OF_VERSION = (
        "title",
        "url",
        "format",
        "file",
        "bytes",
        "sha256",
        "characters",
        "language",
    )

    knowledge_base = models.ForeignKey(
        KnowledgeBase, on_delete=models.CASCADE, related_name="sources"
    )
    public_id = models.CharField(max_length=32, unique=True, default=new_source_id, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.FILE)
    title = models.CharField(max_length=255)
    url = models.URLField(max_length=2000, blank=True)
    format = models.CharField(max_length=16)
    file = models.CharField(max_length=255, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    characters = models.PositiveBigIntegerField(default=0)
    language = models.CharField(max_length=16, blank=True)  # see engine.language

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0)
    error = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=300, blank=True)  # what of its live version was not read
    version = models.PositiveIntegerField(default=1)
    live_version = models.PositiveIntegerField(default=0)
    indexed_version = models.PositiveIntegerField(default=0)
    # Of the version that is being read, so many passages from the first one on are in the index.
    pushed = models.PositiveIntegerField(default=0)
    # While a new version is read: what the one that answers was read from, to come back to.
    previous = models.JSONField(default=dict, blank=True)
    lease = models.CharField(max_length=32, blank=True)
    heartbeat_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["knowledge_base", "sha256"],
                condition=~models.Q(state="failed"),
                name="same_bytes_once",
            )
        ]
        indexes = [
            models.Index(fields=["knowledge_base", "-id"]),
            # Not of some states alone: SQLite, which is given their names apart from the question,
            # would not use it.
            models.Index(fields=["state", "heartbeat_at"], name="sources_by_state"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def format_name(self) -> str:
        return formats.NAMES.get(self.format, self.format)

    @property
    def is_working(self) -> bool:
        return self.state in self.WORKING

    @property
    def language_name(self) -> str:
        try:
            return str(get_language_info(self.language)["name"])
        except KeyError:
            return self.language

    @property
    def is_short(self) -> bool:
        return self.bytes <= self.SHORT_BYTES and self.format in self.PLAIN

    @property
    def answers(self) -> bool:
        return self.live_version > 0

    @property
    def can_be_retried(self) -> bool:
        """A file that could not be read is gone; one that nobody finished is kept."""
        has_text = bool(self.file) or self.kind == self.Kind.FAQ
        return self.state == self.State.FAILED and has_text

    @cached_property
    def passage_count(self) -> int:
        """Of its present version. Lists have them counted by `with_passage_counts`."""
        return self.passages.filter(version=self.version).count()

    @cached_property
    def bot_id(self) -> str | None:
        """The public id of the first bot that answers from it. Lists ask by `with_bots`."""
        return KnowledgeBase.objects.filter(pk=self.knowledge_base_id).bot_ids()[0]

    @property
    def can_be_replaced(self) -> bool:
        """By hand: a page's text comes from its website alone."""
        return self.kind == self.Kind.FILE

    def answering_version(self) -> dict[str, Any]:
        """What the version that answers was read from; empty when none does."""
        if self.previous or not self.answers:
            return dict(self.previous)
        return {name: getattr(self, name) for name in self.OF_VERSION}


class PassageQuerySet(models.QuerySet["Passage"]):
    def unused(self) -> PassageQuerySet:
        """Of a version that answers do not use."""
        return self.exclude(version=models.F("source__live_version"))

    def indexable(self) -> PassageQuerySet:
        """Those that answers may use, and of each source that is being read those that will be."""
        is_live = models.Q(version=models.F("source__live_version"))
        is_coming = models.Q(version=models.F("source__version"), source__state__in=Source.WORKING)
        return self.filter(is_live | is_coming)

    def indexed(self) -> PassageQuerySet:
        """Those that answers may use, and of each source that is being read those put in."""
        is_live = models.Q(version=models.F("source__live_version"))
        is_put_in = models.Q(
            version=models.F("source__version"),
            source__state__in=Source.WORKING,
            position__lt=models.F("source__pushed"),
        )
        return self.filter(is_live | is_put_in)

    def live(self) -> PassageQuerySet:
        """Only of the version of each source that answers may use now."""
        return self.filter(version=models.F("source__live_version"))

    def delete(self) -> tuple[int, dict[str, int]]:
        """Locked first: whoever stores something of a passage at this moment, such as a vector by
        another model, holds it until that is committed; deleted before, it would not be seen."""
        with transaction.atomic():
            list(self.order_by("pk").select_for_update(of=("self",)).only("pk"))
            return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]


class Passage(models.Model):
    """A stretch of a source's text. `start` and `end` count characters of the text as read."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="passages")
    version = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    text = models.TextField()
    heading = models.CharField(max_length=500, blank=True)
    pages = models.JSONField(default=list)  # see engine.split.Piece
    start = models.PositiveBigIntegerField()
    end = models.PositiveBigIntegerField()
    terms = models.PositiveIntegerField()
    embedding = models.BinaryField()

    objects = PassageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "version", "position"], name="no_passage_twice"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source_id}.{self.version}#{self.position}"

    @property
    def indexed_text(self) -> str:
        """What is embedded and searched, as of engine.split.Piece."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text

    @property
    def page(self) -> int | None:
        """The page on which it begins."""
        return int(self.pages[0][1]) if self.pages else None
