"""Bots, and what visitors and bots said to each other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import Client
from chatbot_saas.lib.ids import new_id
from knowledge.models import KnowledgeBase


def new_bot_id() -> str:
    return new_id("bot")


def new_conversation_id() -> str:
    return new_id("con")


def new_message_id() -> str:
    return new_id("msg")


def no_suggestions() -> list[str]:
    return []


class BotQuerySet(models.QuerySet["Bot"]):
    def for_client(self, client: Client) -> BotQuerySet:
        return self.filter(client=client)


class Bot(models.Model):
    """A chat that a client puts on its site: looks, manners, where it may stand, what it knows."""

    class Theme(models.TextChoices):
        AUTO = "auto"
        LIGHT = "light"
        DARK = "dark"

    class Position(models.TextChoices):
        RIGHT = "right"
        LEFT = "left"

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="bots")
    knowledge_base = models.ForeignKey(KnowledgeBase, on_delete=models.PROTECT, related_name="bots")
    public_id = models.CharField(max_length=32, unique=True, default=new_bot_id, editable=False)
    name = models.CharField(max_length=80)
    instructions = models.TextField(max_length=2000, blank=True)
    # Exact hosts or *.host; while it is empty only the product's own pages are let in.
    allowed_domains = models.JSONField(default=list, blank=True)
    greeting = models.CharField(max_length=300, blank=True)
    placeholder = models.CharField(max_length=80, blank=True)
    suggestions = models.JSONField(default=no_suggestions, blank=True)
    color = models.CharField(max_length=7, blank=True)
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    position = models.CharField(max_length=5, choices=Position.choices, default=Position.RIGHT)
    hides_our_name = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # When somebody last saved its looks or words.
    styled_at = models.DateTimeField(null=True, blank=True)

    objects = BotQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def for_client(self, client: Client) -> ConversationQuerySet:
        return self.filter(bot__client=client)

    def of_visitors(self) -> ConversationQuerySet:
        """Real ones: not the client's own tries in the playground or with a test key."""
        return self.exclude(channel__in=Conversation.TRIES)

    def silent_since(self, moment: datetime) -> ConversationQuerySet:
        return self.filter(last_message_at__lt=moment)


class Conversation(models.Model):
    """What one visitor and one bot said. `visitor` is a random name, "" for a client's program."""

    class Channel(models.TextChoices):
        WIDGET = "widget"
        HOSTED = "hosted", "hosted page"
        API = "api", "API"
        PLAYGROUND = "playground"
        TEST = "test", "API test"

    TRIES = (Channel.PLAYGROUND, Channel.TEST)

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="conversations")
    public_id = models.CharField(
        max_length=32, unique=True, default=new_conversation_id, editable=False
    )
    visitor = models.CharField(max_length=32, blank=True)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.WIDGET)
    page_url = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    last_message_at = models.DateTimeField(default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["bot", "-started_at"]),
            models.Index(fields=["bot", "-last_message_at"]),
        ]

    def __str__(self) -> str:
        return self.public_id


class MessageQuerySet(models.QuerySet["Message"]):
    def answers_to_visitors(self, client: Client) -> MessageQuerySet:
        """Finished answers of a client's bots, its own tries left out."""
        done = self.filter(role=Message.Role.BOT, state=Message.State.DONE)
        own = done.filter(conversation__bot__client=client)
        return own.exclude(conversation__channel__in=Conversation.TRIES)

    def with_question(self) -> MessageQuerySet:
        """Each answer with the `question` that it answers."""
        before = Message.objects.filter(
            conversation=models.OuterRef("conversation"),
            role=Message.Role.VISITOR,
            pk__lt=models.OuterRef("pk"),
        )
        return self.annotate(question=models.Subquery(before.order_by("-pk").values("text")[:1]))

    def abandoned(self, before: datetime) -> MessageQuerySet:
        """Answers that began before this and never ended: their web process died."""
        unfinished = self.filter(state=Message.State.STREAMING, created_at__lt=before)
        return unfinished.order_by("created_at")  # by another order, all messages are looked at


class Message(models.Model):
    class Role(models.TextChoices):
        VISITOR = "visitor"
        BOT = "bot"

    class State(models.TextChoices):
        STREAMING = "streaming"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    public_id = models.CharField(max_length=32, unique=True, default=new_message_id, editable=False)
    role = models.CharField(max_length=8, choices=Role.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DONE)
    text = models.TextField(blank=True)
    answered = models.BooleanField(null=True)
    error = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    # The sources (and their versions) that an answer was made from, or an earlier one it builds on.
    drawn_from = models.JSONField(default=dict, blank=True)
    # The counter of billing.quota that an answer was taken from, to give it back if it fails.
    spent_on = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(state="streaming"),
                name="unfinished_answers",
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class Citation(models.Model):
    """A quotation under an answer. It stays readable after its source is gone."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="citations")
    number = models.PositiveSmallIntegerField()
    source_id = models.CharField(max_length=32)
    title = models.CharField(max_length=255)
    url = models.CharField(max_length=2000, blank=True)
    page = models.PositiveIntegerField(null=True)
    quote = models.TextField()
    start = models.PositiveBigIntegerField()
    end = models.PositiveBigIntegerField()
    is_gone = False  # set by history.mark_gone

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="one_citation_per_number")
        ]
        indexes = [models.Index(fields=["source_id", "-id"])]

    def __str__(self) -> str:
        return f"[{self.number}] {self.title}"

    def as_json(self) -> dict[str, Any]:
        body = {
            "number": self.number,
            "source_id": self.source_id,
            "title": self.title,
            "url": self.url,
            "quote": self.quote,
            "start": self.start,
            "end": self.end,
        }
        return body if self.page is None else body | {"page": self.page}


class SightingQuerySet(models.QuerySet["Sighting"]):
    def for_client(self, client: Client) -> SightingQuerySet:
        return self.filter(bot__client=client)


class Sighting(models.Model):
    """A website on which a bot's widget was opened, or on which it was refused."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="sightings")
    origin = models.CharField(max_length=255)
    refused = models.BooleanField()
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    count = models.PositiveIntegerField(default=1)

    objects = SightingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "origin"], name="one_sighting_per_origin")
        ]

    def __str__(self) -> str:
        return f"{self.origin} ({'refused' if self.refused else 'seen'})"
