"""Files on their way into the storage, and out of it."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models import Client
from chatbot_saas.lib.ids import new_id
from knowledge.models.bases import KnowledgeBase
from knowledge.models.sources import Source


def new_upload_id() -> str:
    return new_id("upl")


class DirectUploadQuerySet(models.QuerySet["DirectUpload"]):
    def for_client(self, client: Client) -> DirectUploadQuerySet:
        return self.filter(knowledge_base__client=client)

    def open(self) -> DirectUploadQuerySet:
        """Those whose bytes count although there is no source of them yet."""
        return self.filter(state__in=[DirectUpload.State.SENDING, DirectUpload.State.CHECKING])

    def over(self) -> DirectUploadQuerySet:
        return self.filter(state__in=[DirectUpload.State.TAKEN, DirectUpload.State.REFUSED])

    def overdue(self, now: datetime) -> DirectUploadQuerySet:
        """Signed for, and never finished."""
        return self.filter(state=DirectUpload.State.SENDING, expires_at__lt=now)

    def unchecked(self, before: datetime) -> DirectUploadQuerySet:
        """Finished, and nobody has looked at them since `before`."""
        return self.filter(state=DirectUpload.State.CHECKING, heartbeat_at__lt=before)


class DirectUpload(models.Model):
    """A file that goes from a browser, or from a client's program, straight into the storage.

    The row says what was signed. It becomes a source once its bytes have been looked at.
    """

    class State(models.TextChoices):
        SENDING = "sending"
        CHECKING = "checking"
        TAKEN = "taken"
        REFUSED = "refused"

    knowledge_base = models.ForeignKey(
        KnowledgeBase, on_delete=models.CASCADE, related_name="uploads"
    )
    public_id = models.CharField(max_length=32, unique=True, default=new_upload_id, editable=False)
    name = models.CharField(max_length=200)
    format = models.CharField(max_length=16)
    bytes = models.PositiveBigIntegerField()
    file = models.CharField(max_length=255)
    # The storage's own name for it, without which its parts are nothing.
    parts_id = models.CharField(max_length=1024, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.SENDING)
    error = models.CharField(max_length=300, blank=True)
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(auto_now_add=True)

    objects = DirectUploadQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["state", "heartbeat_at"], name="uploads_by_state"),
        ]

    def __str__(self) -> str:
        return self.name


class DiscardedFileQuerySet(models.QuerySet["DiscardedFile"]):
    def takeable(self, before: datetime) -> DiscardedFileQuerySet:
        """Those that nobody has tried to delete since `before`."""
        return self.filter(models.Q(tried_at=None) | models.Q(tried_at__lt=before))


class DiscardedFile(models.Model):
    """A file that nothing refers to any more, and that the storage would not delete then."""

    name = models.CharField(max_length=255, unique=True)
    noted_at = models.DateTimeField(auto_now_add=True)
    tried_at = models.DateTimeField(null=True, blank=True)

    objects = DiscardedFileQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
