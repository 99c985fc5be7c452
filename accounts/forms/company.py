"""The forms of companies and their members."""

from __future__ import annotations

from typing import cast

from django import forms

from accounts.forms.texts import OneLine
from accounts.models import Membership
from accounts.roles import Act, Role

ROLE_WORDS = {
    Role.VIEWER: "Viewer: looks at everything and tries the playground",
    Role.EDITOR: "Editor: also changes knowledge and the widget",
    Role.ADMIN: "Admin: also members, keys and the company",
    Role.OWNER: "Owner: everything, with billing, audit log and data",
}


class CompanyForm(forms.Form):
    name = OneLine(
        label="Company",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    website = forms.URLField(
        max_length=300,
        required=False,
        assume_scheme="https",
        help_text="Where the chat shall stand. It is allowed there; more sites can follow.",
        widget=forms.TextInput(attrs={"autocomplete": "url", "inputmode": "url"}),
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(widget=forms.RadioSelect, initial=Role.EDITOR)

    def __init__(self, *args: object, actor: Membership, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        cast(forms.ChoiceField, self.fields["role"]).choices = roles_for(actor)

    def chosen(self) -> Role:
        return Role(self.cleaned_data["role"])


class InviteForm(RoleForm):
    email = forms.EmailField(label="E-mail address", max_length=254)
    field_order = ["email", "role"]


def roles_for(actor: Membership) -> list[tuple[str, str]]:
    """The roles that a member may give."""
    given = [role for role in ROLE_WORDS if role != Role.OWNER or actor.may(Act.MANAGE_OWNERS)]
    return [(role.value, ROLE_WORDS[role]) for role in given]
