"""What the pages of questions and answers take."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from accounts.models import Client
from chatbot_saas.lib.errors import BadRequest
from knowledge.forms import STATES, BotChoices, ForBotForm
from knowledge.models import Faq, FaqQuerySet, KnowledgeBase, Source
from knowledge.models.faqs import MOST_CATEGORY_CHARACTERS, MOST_QUESTION_CHARACTERS
from knowledge.pairs import MOST_ANSWER_CHARACTERS, Pair, checked

CATEGORIES = "categories"  # the id of the <datalist>


class PairForm(forms.Form):
    question = forms.CharField(
        max_length=MOST_QUESTION_CHARACTERS,
        widget=forms.TextInput(attrs={"placeholder": "Can I pick up my order?", "dir": "auto"}),
        help_text="As your customers ask it.",
    )
    answer = forms.CharField(
        max_length=MOST_ANSWER_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
        help_text="What they should be told, in plain sentences. Answers quote from it.",
    )
    category = forms.CharField(
        required=False,
        max_length=MOST_CATEGORY_CHARACTERS,
        widget=forms.TextInput(attrs={"list": CATEGORIES, "autocomplete": "off", "dir": "auto"}),
        help_text="For you, to find it again. Visitors do not see it.",
    )
    priority = forms.TypedChoiceField(
        choices=Faq.Priority.choices,
        coerce=lambda value: Faq.Priority(int(value)),
        initial=Faq.Priority.NORMAL,
        help_text="Where several answers fit, the one of high priority comes first.",
    )

    pair: Pair

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            fields = {name: given[name] for name in ("question", "answer", "category", "priority")}
            try:
                self.pair = checked(**fields)
            except BadRequest as error:
                self.add_error(error.code, error.message)
        return given


class NewPairForm(ForBotForm, PairForm):
    """The chatbot is chosen once: a pair that is there stays with its own."""


def of(faq: Faq) -> dict[str, Any]:
    """What the form shows of a pair that is there."""
    return {name: getattr(faq, name) for name in ("question", "answer", "category", "priority")}


class ImportForm(ForBotForm):
    file = forms.FileField(
        label="CSV file",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
        help_text="With the columns question and answer, and if you like category and priority."
        " Questions that are there already get the file’s answer.",
    )


class FaqFilterForm(forms.Form):
    """Fields that make no sense are left out: a filter in an address is never a mistake."""

    q = forms.CharField(
        required=False,
        max_length=200,
        label="Words",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Search"}),
    )
    state = forms.ChoiceField(required=False, choices=STATES, label="State")

    def __init__(self, client: Client, bots: BotChoices, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s")
        named = [(name, name) for name in Faq.objects.for_client(client).categories()]
        self.categories = [name for name, _ in named]
        if named:
            choices = [("", "All categories"), *named]
            self.fields["category"] = forms.ChoiceField(
                choices=choices, required=False, label="Category"
            )
        if len(bots) > 1:
            choices = [("", "All chatbots"), *bots]
            self.fields["bot"] = forms.ChoiceField(choices=choices, required=False, label="Chatbot")
        self.full_clean()

    @property
    def bot(self) -> str:
        return str(self.cleaned_data.get("bot", ""))

    def apply(self, faqs: FaqQuerySet) -> FaqQuerySet:
        wanted = self.cleaned_data
        if words := wanted.get("q"):
            faqs = faqs.with_words(words)
        if state := wanted.get("state"):
            states = Source.WORKING if state == "working" else (state,)
            faqs = faqs.filter(source__state__in=states)
        if category := wanted.get("category"):
            faqs = faqs.filter(category=category)
        if self.bot:
            faqs = faqs.filter(knowledge_base__in=KnowledgeBase.objects.serving(self.bot))
        return faqs
