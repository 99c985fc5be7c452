"""Who there is and what they may do. One module for each kind of thing; import them from here."""

from accounts.models.audit import AuditEvent
from accounts.models.clients import Client, Invitation, Membership, new_client_id
from accounts.models.exports import Export
from accounts.models.keys import ApiKey, KeyLink
from accounts.models.mail import OutboxEmail
from accounts.models.people import User, UserManager
from accounts.models.reports import CspReport

__all__ = [
    "ApiKey",
    "AuditEvent",
    "Client",
    "CspReport",
    "Export",
    "Invitation",
    "KeyLink",
    "Membership",
    "OutboxEmail",
    "User",
    "UserManager",
    "new_client_id",
]
