"""What happened that somebody may ask about later: who, what, when, from where."""

from __future__ import annotations

from django.db import models

from accounts.models.clients import Client
from accounts.models.people import User


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def for_client(self, client: Client) -> AuditEventQuerySet:
        return self.filter(client=client)


class AuditEvent(models.Model):
    """Written by accounts.audit alone, never changed. Names are kept beside the links to rows."""

    client = models.ForeignKey(
        Client, null=True, blank=True, on_delete=models.CASCADE, related_name="audit_events"
    )
    actor = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The actor's address then; "API key sk_live_ab…", "the system" or so for what is no person.
    actor_name = models.CharField(max_length=254)
    # The member of our staff who worked as the actor, if one did.
    staff_name = models.CharField(max_length=254, blank=True)
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=254, blank=True)
    details = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["client", "-id"])]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.target}"
