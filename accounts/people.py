"""Make people whose address is known to be theirs: the demo's member, staff, invited members."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User


@transaction.atomic
def with_verified_address(email: str, password: str | None = None) -> User:
    """The person of this address, made when there is none; the address counts as verified."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        user = User.objects.create_user(email, password)
    verify_address(user)
    return user


def verify_address(user: User) -> None:
    """Whoever followed a link that we sent to an address has shown that it is theirs."""
    EmailAddress.objects.update_or_create(
        user=user, email=user.email.lower(), defaults={"verified": True, "primary": True}
    )
