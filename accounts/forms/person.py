"""What a person may change of themselves here; the rest is allauth's."""

from __future__ import annotations

from django import forms

from accounts.forms.texts import OneLine


class NameForm(forms.Form):
    name = OneLine(
        max_length=120,
        required=False,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
