"""The widget's form."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.forms.texts import OneLine
from billing import limits
from billing.plans import Feature
from chat.domains import BadDomain, clean_domain
from chat.models import Bot

MOST_SUGGESTIONS = 6
MOST_SUGGESTION = 120
MOST_DOMAINS = 100
COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


class Lines(forms.CharField):
    """A list, one entry a line."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        lines = [line.strip() for line in text.splitlines()]
        return list(dict.fromkeys(line for line in lines if line))


class WidgetForm(forms.ModelForm[Bot]):
    name = OneLine(max_length=80, help_text="It stands above the chat.")
    greeting = forms.CharField(max_length=300, required=False)
    placeholder = OneLine(max_length=80, required=False, label="Words in the empty field")
    suggestions = Lines(
        required=False,
        label="Suggested questions",
        help_text=f"One a line, {MOST_SUGGESTIONS} at most.",
    )
    color = forms.CharField(
        max_length=7,
        required=False,
        label="Colour",
        help_text="Such as #3a4ad1. The text on it turns black or white by itself.",
    )
    allowed_domains = Lines(
        required=False,
        label="Websites",
        help_text="Where the chat may stand, one a line: shop.example.com, or *.example.com for "
        "all sub-domains. Everywhere else it is refused.",
    )
    instructions = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="How it shall speak. What it says still comes from your sources alone.",
    )

    hides_our_name = forms.BooleanField(
        required=False,
        label="Without our name",
        help_text="Leaves out the line at the foot of the chat that names us.",
    )

    class Meta:
        model = Bot
        fields = [
            "name",
            "greeting",
            "placeholder",
            "suggestions",
            "color",
            "theme",
            "position",
            "allowed_domains",
            "instructions",
            "hides_our_name",
        ]

    def clean_hides_our_name(self) -> bool:
        hides: bool = self.cleaned_data["hides_our_name"]
        if hides and not self.instance.hides_our_name:
            try:
                limits.require_feature(self.instance.client, Feature.NO_BRANDING)
            except limits.PlanLimit as error:
                raise ValidationError(error.message) from error
        return hides

    def clean_suggestions(self) -> list[str]:
        lines: list[str] = self.cleaned_data["suggestions"]
        if len(lines) > MOST_SUGGESTIONS:
            raise ValidationError(f"{MOST_SUGGESTIONS} at most, please.")
        if any(len(line) > MOST_SUGGESTION for line in lines):
            raise ValidationError(f"A question may have {MOST_SUGGESTION} characters at most.")
        return lines

    def clean_color(self) -> str:
        color: str = self.cleaned_data["color"].strip().lower()
        if color and not COLOR.fullmatch(color):
            raise ValidationError("A colour is written like #3a4ad1.")
        return color

    def clean_allowed_domains(self) -> list[str]:
        lines: list[str] = self.cleaned_data["allowed_domains"]
        if len(lines) > MOST_DOMAINS:
            raise ValidationError(f"{MOST_DOMAINS} websites at most, please.")
        try:
            return list(dict.fromkeys(clean_domain(line) for line in lines))
        except BadDomain as error:
            raise ValidationError(str(error)) from error
