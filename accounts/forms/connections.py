"""allauth's form for ending the connection to another log-in."""

from __future__ import annotations

from typing import Any, cast

from allauth.socialaccount.forms import DisconnectForm
from django import forms


class ConnectionsForm(DisconnectForm):
    """Each connection is named with its person, who would be asked for anew each time."""

    accounts: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accounts = self.accounts.select_related("user")
        cast(forms.ModelChoiceField[Any], self.fields["account"]).queryset = self.accounts
