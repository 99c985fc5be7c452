"""Short texts that people give: one line, no control characters, every script and emoji."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

# Marks that turn the direction of whatever follows them, also outside of the name.
DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class OneLine(forms.CharField):
    """A name. Line breaks would be mail headers, and direction marks would turn the page around."""

    def to_python(self, value: Any) -> Any:
        # Before Django strips it: a line break at the end is a line break too.
        if isinstance(value, str) and any(is_control(letter) for letter in value):
            raise ValidationError("Please leave out line breaks and control characters.")
        return super().to_python(value)


def is_control(letter: str) -> bool:
    return unicodedata.category(letter) == "Cc" or letter in DIRECTIONS + "\u2028\u2029"
