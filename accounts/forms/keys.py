"""The forms of API keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms.texts import OneLine
from accounts.models import ApiKey

SCOPES = [
    ("read", "Read: documents, search, conversations"),
    ("write", "Write: add and delete documents"),
    ("chat", "Chat: ask questions"),
]
LIFETIMES = [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")]
OVERLAPS = [
    ("0", "At once"),
    ("1", "For another hour"),
    ("24", "For another day"),
    ("168", "For another week"),
]


class NewKeyForm(forms.Form):
    name = OneLine(max_length=80, help_text="Which program will use it?")
    mode = forms.ChoiceField(
        choices=[
            (ApiKey.Mode.LIVE, "Live"),
            (ApiKey.Mode.TEST, "Test: what it asks stays out of the inbox and the figures"),
        ],
        widget=forms.RadioSelect,
        initial=ApiKey.Mode.LIVE,
        label="Kind",
    )
    scopes = forms.MultipleChoiceField(
        choices=SCOPES,
        widget=forms.CheckboxSelectMultiple,
        initial=["read", "write", "chat"],
        label="It may",
    )
    days = forms.ChoiceField(choices=LIFETIMES, required=False, label="Expires")

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None

    def given(self) -> dict[str, Any]:
        """What accounts.keys.make wants."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "scopes": data["scopes"],
            "mode": data["mode"],
            "expires_at": self.expires_at(),
        }


class RotateForm(forms.Form):
    overlap = forms.ChoiceField(choices=OVERLAPS, initial="24", label="The old key works")

    def span(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["overlap"]))
