"""What the knowledge pages take: a filter, the chatbot that files are for, a text."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from accounts.models import Client
from knowledge.models import KnowledgeBase, Source, SourceQuerySet

MOST_TITLE_CHARACTERS = 120
MOST_TEXT_CHARACTERS = 100_000
STATES = [("", "All"), ("working", "Being read"), ("ready", "Ready"), ("failed", "Failed")]

BotChoices = list[tuple[str, str]]


def bots_of(client: Client) -> BotChoices:
    """Public id and name of the client's bots. They live a layer above: the database's link."""
    served = KnowledgeBase.objects.for_client(client).filter(bots__isnull=False)
    return list(served.order_by("bots__pk").values_list("bots__public_id", "bots__name"))


class FilterForm(forms.Form):
    """Fields that make no sense are left out: a filter in an address is never a mistake."""

    q = forms.CharField(
        required=False,
        max_length=200,
        label="Title",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Search by title"}),
    )
    state = forms.ChoiceField(required=False, choices=STATES, label="State")

    def __init__(self, bots: BotChoices, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s")
        if len(bots) > 1:
            choices = [("", "All chatbots"), *bots]
            self.fields["bot"] = forms.ChoiceField(choices=choices, required=False, label="Chatbot")
        self.full_clean()

    @property
    def is_used(self) -> bool:
        return any(self.cleaned_data.values())

    @property
    def bot(self) -> str:
        return str(self.cleaned_data.get("bot", ""))

    def apply(self, sources: SourceQuerySet) -> SourceQuerySet:
        wanted = self.cleaned_data
        if title := wanted.get("q"):
            sources = sources.filter(title__icontains=title)
        if state := wanted.get("state"):
            states = Source.WORKING if state == "working" else (state,)
            sources = sources.filter(state__in=states)
        if self.bot:
            sources = sources.filter(knowledge_base__in=KnowledgeBase.objects.serving(self.bot))
        return sources


class ForBotForm(forms.Form):
    """For one of the client's bots; who has only one is not asked."""

    def __init__(self, bots: BotChoices, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        only = bots[0][0] if len(bots) == 1 else None
        field = forms.ChoiceField(choices=bots, label="For which chatbot", required=not only)
        if only:
            field.widget, self.initial["bot"] = forms.HiddenInput(), only
        self.fields["bot"] = field
        self._only = only or ""

    def clean_bot(self) -> str:
        return str(self.cleaned_data["bot"] or self._only)

    def base(self, client: Client) -> KnowledgeBase:
        """The knowledge base of the chosen bot, once the form is valid."""
        return KnowledgeBase.objects.of_bot(client, self.cleaned_data["bot"])


class UploadForm(ForBotForm):
    """Without the files themselves: each is checked by knowledge.upload."""


class TextForm(ForBotForm):
    title = forms.CharField(
        max_length=MOST_TITLE_CHARACTERS,
        widget=forms.TextInput(attrs={"placeholder": "Opening hours", "dir": "auto"}),
    )
    text = forms.CharField(
        max_length=MOST_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
        help_text="What people should know, in plain sentences. Answers quote from it.",
    )

    def clean_title(self) -> str:
        return " ".join(str(self.cleaned_data["title"]).split())
