"""What decides whether a client may chat and change things."""

from __future__ import annotations

from django.db import models

from accounts.models import Client


class BillingState(models.Model):
    """One row for each client. Staff write holds and gifts here; `reconcile` draws the sum."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, related_name="billing")
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_reason = models.CharField(max_length=300, blank=True)
    complimentary_until = models.DateTimeField(null=True, blank=True)
    grace_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"of {self.client_id}"
