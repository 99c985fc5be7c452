"""The forms of the data page."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from accounts.models import Client

MOST_DAYS = 3650


class RetentionForm(forms.Form):
    """How long conversations are kept."""

    CHOICES = (
        ("", "For ever"),
        ("30", "30 days"),
        ("90", "90 days"),
        ("180", "180 days"),
        ("365", "A year"),
        ("own", "A number of days of your own"),
    )

    keep = forms.ChoiceField(label="Keep conversations", choices=CHOICES, required=False)
    own_days = forms.IntegerField(
        label="Your own number of days",
        required=False,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)],
        help_text="From 1 to 3650.",
        widget=forms.NumberInput(attrs={"min": 1, "max": MOST_DAYS, "inputmode": "numeric"}),
    )

    @classmethod
    def showing(cls, client: Client) -> RetentionForm:
        """The form as it stands for this client."""
        days = client.retention_days
        listed = {value for value, _ in cls.CHOICES}
        if days is None or str(days) in listed:
            return cls(initial={"keep": str(days or "")})
        return cls(initial={"keep": "own", "own_days": days})

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("keep") != "own":
            self.errors.pop("own_days", None)  # it is not even shown
        elif not data.get("own_days") and not self.errors:
            self.add_error("own_days", "Say how many days.")
        return data

    @property
    def days(self) -> int | None:
        keep = self.cleaned_data["keep"]
        if keep == "own":
            return int(self.cleaned_data["own_days"])
        return int(keep) if keep else None


class CloseForm(forms.Form):
    """Deletion is confirmed by typing the company's name."""

    name = forms.CharField(
        label="Type the company's name to confirm",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, client: Client, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = client

    def clean_name(self) -> str:
        typed = str(self.cleaned_data["name"])
        if _folded(typed) != _folded(self.client.name):
            raise forms.ValidationError("That is not the company's name.")
        return typed


def _folded(name: str) -> str:
    """One form for what looks alike: keyboards differ in how they write accents and spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()
