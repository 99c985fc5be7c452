"""What browsers reported about our content security policy."""

from __future__ import annotations

from django.db import models


class CspReport(models.Model):
    """One kind of violation, counted; addresses are kept without their query."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    directive = models.CharField(max_length=60)
    blocked = models.CharField(max_length=300)
    page = models.CharField(max_length=300)
    source = models.CharField(max_length=300, blank=True)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.directive} of {self.page}"
