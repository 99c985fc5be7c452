"""Exports of everything that a client has. The row is the job."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models.clients import Client
from accounts.models.people import User
from chatbot_saas.lib.ids import new_id


def new_export_id() -> str:
    return new_id("exp")


class ExportQuerySet(models.QuerySet["Export"]):
    def for_client(self, client: Client) -> ExportQuerySet:
        return self.filter(client=client)

    def unfinished(self) -> ExportQuerySet:
        return self.filter(state__in=[Export.State.QUEUED, Export.State.WORKING])

    def abandoned(self, before: datetime) -> ExportQuerySet:
        """Unfinished, and nobody has worked on them since `before`."""
        return self.unfinished().filter(heartbeat_at__lt=before)


class Export(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        WORKING = "working"
        READY = "ready"
        FAILED = "failed"
        EXPIRED = "expired"

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="exports")
    public_id = models.CharField(max_length=32, unique=True, default=new_export_id, editable=False)
    requested_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0)
    file = models.CharField(max_length=255, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    lease = models.CharField(max_length=32, blank=True)
    heartbeat_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client"],
                condition=models.Q(state__in=["queued", "working"]),
                name="one_export_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_unfinished(self) -> bool:
        return self.state in {Export.State.QUEUED, Export.State.WORKING}
