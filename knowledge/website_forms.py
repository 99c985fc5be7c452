"""What the form for websites takes."""

from __future__ import annotations

from django import forms

from knowledge.forms import ForBotForm
from knowledge.models import Website
from knowledge.websites import Wanted

MOST_PATTERNS = 50
MOST_PATTERN_CHARACTERS = 200


class PatternsField(forms.CharField):
    """One pattern of paths on each line."""

    widget = forms.Textarea(attrs={"rows": 3, "dir": "ltr", "spellcheck": "false"})

    def clean(self, value: object) -> list[str]:
        text = str(super().clean(value) or "")
        patterns = [line.strip() for line in text.splitlines() if line.strip()]
        if len(patterns) > MOST_PATTERNS:
            raise forms.ValidationError(f"Give {MOST_PATTERNS} lines at most.")
        if any(len(one) > MOST_PATTERN_CHARACTERS for one in patterns):
            raise forms.ValidationError(f"A line has {MOST_PATTERN_CHARACTERS} letters at most.")
        return [one if one.startswith(("/", "*")) else f"/{one}" for one in patterns]


class WebsiteForm(ForBotForm):
    url = forms.CharField(
        max_length=1000,
        label="Address",
        widget=forms.TextInput(
            attrs={"inputmode": "url", "placeholder": "https://www.example.com", "dir": "ltr"}
        ),
    )
    mode = forms.ChoiceField(
        choices=Website.Mode.choices, initial=Website.Mode.CRAWL, label="What to read"
    )
    schedule = forms.ChoiceField(
        choices=Website.Schedule.choices,
        initial=Website.Schedule.WEEKLY,
        label="Look for changes",
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        label="Pages at most",
        help_text="Empty: as many as your plan holds.",
    )
    depth = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=Website.MOST_DEPTH,
        label="Links away from the address",
        help_text=(
            "0: only the page at the address. 1: also the pages that it links to. 2: also those"
            " that they link to. Empty: the whole website."
        ),
    )
    include = PatternsField(
        required=False,
        label="Only these parts",
        help_text="One on each line, such as /help/ or /*/faq. Empty: everything.",
    )
    exclude = PatternsField(
        required=False, label="Not these parts", help_text="One on each line, such as /blog/."
    )

    @property
    def wanted(self) -> Wanted:
        """Of a whole site or a sitemap somebody sees the list before it is taken."""
        given = self.cleaned_data
        return Wanted(
            url=given["url"],
            mode=given["mode"],
            limit=given["limit"],
            depth=given["depth"],
            include=given["include"],
            exclude=given["exclude"],
            schedule=given["schedule"],
            asks_first=True,
        )

    @property
    def has_details(self) -> bool:
        """Whether something was said, or is wrong, in the part that is folded up."""
        return any(self[name].value() for name in ("limit", "depth", "include", "exclude"))
