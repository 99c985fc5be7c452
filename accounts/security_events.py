"""What a person does to their log-in, noted for the owners of every company they belong to.

A stranger in a member's account begins with one of these. Wrong passwords are not noted: they tell
of strangers who got nowhere, and a write for known addresses alone would tell which are known.
"""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import audit
from accounts.audit import Action
from accounts.models import User

KINDS = {
    Authenticator.Type.TOTP: "authenticator app",
    Authenticator.Type.WEBAUTHN: "passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}


@receiver(account.user_logged_in)
def logged_in(request: HttpRequest, user: User, **_: Any) -> None:
    audit.record_of_person(request, user, Action.PERSON_LOGGED_IN)


@receiver([account.password_changed, account.password_set])
def password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    audit.record_of_person(request, user, Action.PERSON_PASSWORD)


@receiver(account.password_reset)
def password_reset(request: HttpRequest, user: User, **_: Any) -> None:
    audit.record_of_person(request, user, Action.PERSON_PASSWORD_RESET)


@receiver(account.email_changed)
def email_changed(
    request: HttpRequest,
    user: User,
    from_email_address: EmailAddress | None,
    to_email_address: EmailAddress,
    **_: Any,
) -> None:
    before = {"before": from_email_address.email} if from_email_address else {}
    audit.record_of_person(request, user, Action.PERSON_EMAIL, to_email_address.email, **before)


@receiver(mfa.authenticator_added)
def factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    audit.record_of_person(request, user, Action.PERSON_FACTOR_ADDED, _kind(authenticator))


@receiver(mfa.authenticator_reset)
def codes_renewed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    audit.record_of_person(request, user, Action.PERSON_FACTOR_RENEWED, _kind(authenticator))


@receiver(mfa.authenticator_removed)
def factor_removed(
    request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    audit.record_of_person(request, user, Action.PERSON_FACTOR_REMOVED, _kind(authenticator))


@receiver(mfa.authentication_failed)
def factor_failed(request: HttpRequest, user: User, **_: Any) -> None:
    """Whoever comes this far has the password, the mail or the session already."""
    audit.record_of_person(request, user, Action.PERSON_FACTOR_FAILED)


def _kind(authenticator: Authenticator) -> str:
    return KINDS[Authenticator.Type(authenticator.type)]
