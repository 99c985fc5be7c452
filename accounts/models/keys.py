"""The keys of clients' programs. Only hashes are kept."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone

from accounts.models.clients import Client
from accounts.models.people import User
from chatbot_saas.lib.ids import new_id


def new_key_id() -> str:
    return new_id("key")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def for_client(self, client: Client) -> ApiKeyQuerySet:
        return self.filter(client=client)

    def usable(self, now: datetime | None = None) -> ApiKeyQuerySet:
        now = now or timezone.now()
        alive = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=now)
        return self.filter(alive, revoked_at__isnull=True)


class ApiKey(models.Model):
    """A program's key. Only its hash is kept; the prefix tells people which one it is."""

    class Mode(models.TextChoices):
        LIVE = "live"
        # The same answers; what it asks is marked as a test and stays out of the figures.
        TEST = "test"

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="api_keys")
    public_id = models.CharField(max_length=32, unique=True, default=new_key_id, editable=False)
    mode = models.CharField(max_length=4, choices=Mode.choices, default=Mode.LIVE)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Set by rotation on the key that goes: it stays usable until expires_at.
    replaced_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaces"
    )

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"

    @property
    def is_usable(self) -> bool:
        has_expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.revoked_at is None and not has_expired

    def allows(self, scope: str) -> bool:
        return scope in self.scopes


class KeyLinkQuerySet(models.QuerySet["KeyLink"]):
    def usable(self, now: datetime | None = None) -> KeyLinkQuerySet:
        return self.filter(used_at__isnull=True, expires_at__gt=now or timezone.now())


class KeyLink(models.Model):
    """A one-time way for an owner to the rotation of keys, sent by e-mail (accounts.key_links)."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="key_links")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = KeyLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"for {self.user_id} of {self.client_id}"
