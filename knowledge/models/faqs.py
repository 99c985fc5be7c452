"""Questions that a client's people answered themselves."""

from __future__ import annotations

import hashlib

from django.db import models

from accounts.models import Client
from chatbot_saas.lib.ids import new_id
from knowledge.models.bases import KnowledgeBase
from knowledge.models.sources import Source

MOST_QUESTION_CHARACTERS = 250  # the title of its source, and the heading above each passage
MOST_CATEGORY_CHARACTERS = 80


def new_faq_id() -> str:
    return new_id("faq")


def question_key(question: str) -> str:
    """The same for questions that differ in capitals, spaces or the mark at the end alone."""
    bare = " ".join(question.casefold().split()).rstrip("?!.… ¿؟？")
    return hashlib.sha256((bare or question).encode()).hexdigest()


class FaqQuerySet(models.QuerySet["Faq"]):
    def for_client(self, client: Client) -> FaqQuerySet:
        return self.filter(knowledge_base__client=client)

    def with_words(self, words: str) -> FaqQuerySet:
        """Those whose question or answer holds these words as they stand."""
        return self.filter(models.Q(question__icontains=words) | models.Q(answer__icontains=words))

    def categories(self) -> list[str]:
        """Those in use, in alphabetical order."""
        named = self.exclude(category="").order_by("category")
        return list(named.values_list("category", flat=True).distinct())


class Faq(models.Model):
    """A question and its answer. What is searched are the passages of its source.

    The row holds the text, and its source has no file; a source of the kind "faq" has one of these
    and goes with it.
    """

    class Priority(models.IntegerChoices):
        LOW = -1, "Low"
        NORMAL = 0, "Normal"
        HIGH = 1, "High"

    knowledge_base = models.ForeignKey(KnowledgeBase, on_delete=models.CASCADE, related_name="faqs")
    source = models.OneToOneField(Source, on_delete=models.CASCADE, related_name="faq")
    public_id = models.CharField(max_length=32, unique=True, default=new_faq_id, editable=False)
    question = models.CharField(max_length=MOST_QUESTION_CHARACTERS)
    key = models.CharField(max_length=64, editable=False)  # see question_key
    answer = models.TextField()
    category = models.CharField(max_length=MOST_CATEGORY_CHARACTERS, blank=True)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now_add=True)

    objects = FaqQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["knowledge_base", "key"], name="no_question_twice")
        ]

    def __str__(self) -> str:
        return self.question

    @property
    def problem(self) -> str:
        """Why its last version is not used, for people; "" while nothing is wrong."""
        if self.source.state != Source.State.FAILED:
            return ""
        kept = " Answers still use the version before." if self.source.live_version else ""
        return f"The chatbot could not learn this, also after several tries.{kept}"
