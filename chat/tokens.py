"""Visitor tokens: signed, short-lived, good for one bot on one site by one visitor."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core import signing

from chatbot_saas.lib.errors import NotAuthenticated
from chatbot_saas.lib.ids import is_id, new_id

SALT = "chat.visitor"
SCHEME = "Visitor "


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a token says: who may talk to which bot from which site."""

    bot: str
    origin: str
    visitor: str


def sign(visitor: Visitor) -> str:
    return signing.dumps([visitor.bot, visitor.origin, visitor.visitor], salt=SALT)


def read(authorization: str) -> Visitor:
    """The visitor of an Authorization header; raises NotAuthenticated."""
    if not authorization.startswith(SCHEME):
        raise NotAuthenticated("token_missing", "Send Authorization: Visitor <token>.")
    token = authorization.removeprefix(SCHEME).strip()
    try:
        return Visitor(*signing.loads(token, salt=SALT, max_age=settings.VISITOR_TOKEN_SECONDS))
    except signing.SignatureExpired as error:
        raise NotAuthenticated("token_expired", "This session has ended. Start again.") from error
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise NotAuthenticated("token_invalid", "This token is not valid.") from error


def known_or_new_visitor(claimed: object) -> str:
    """A returning visitor's random name, or a new one; anything else is not believed."""
    return str(claimed) if is_id(claimed, "vis") else new_id("vis")
