"""The outbox: a mail is a row before it is sent."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models.clients import Client


class OutboxEmailQuerySet(models.QuerySet["OutboxEmail"]):
    def waiting(self, now: datetime) -> OutboxEmailQuerySet:
        return self.filter(state=OutboxEmail.State.WAITING, not_before__lte=now)


class OutboxEmail(models.Model):
    """One mail. Its text is wiped once it was sent: it may hold codes and links."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    RANDOM = "once:"  # begins the keys of mails that may repeat

    # For whom it is sent: its mails go with it. Nobody's, when it is about a person's account.
    client = models.ForeignKey(
        Client, null=True, blank=True, on_delete=models.CASCADE, related_name="mails"
    )
    # The same key never mails twice.
    dedupe_key = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    recipient = models.EmailField(max_length=254)
    sender = models.CharField(max_length=254)
    subject = models.CharField(max_length=254)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=120, blank=True)
    not_before = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxEmailQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=models.Q(state="waiting"),
                name="waiting_mails",
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.recipient}"
