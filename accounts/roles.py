"""What each role may do: the one table that views, templates, tests and docs/roles.md rest on."""

from __future__ import annotations

from types import MappingProxyType

from django.db import models


class Role(models.TextChoices):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class Act(models.TextChoices):
    VIEW = "view", "see the overview, knowledge, conversations and analytics"
    TRY = "try", "ask questions in the playground"
    EDIT_KNOWLEDGE = "edit_knowledge", "add, replace and delete sources"
    EDIT_WIDGET = "edit_widget", "change the widget, its words and its websites"
    DELETE_CONVERSATIONS = "delete_conversations", "delete conversations"
    CHOOSE_MODEL = "choose_model", "choose the search model"
    EDIT_COMPANY = "edit_company", "change the company's name and website"
    MANAGE_MEMBERS = "manage_members", "invite, remove and change members (not owners)"
    MANAGE_KEYS = "manage_keys", "create, rotate and revoke API keys"
    MANAGE_OWNERS = "manage_owners", "make and unmake owners, hand the company over"
    MANAGE_BILLING = "manage_billing", "see and change the plan, invoices and payment"
    SEE_AUDIT = "see_audit", "read the audit log"
    MANAGE_DATA = "manage_data", "export everything, set retention, delete the company"


_VIEWER = frozenset({Act.VIEW, Act.TRY})
_EDITOR = _VIEWER | {Act.EDIT_KNOWLEDGE, Act.EDIT_WIDGET}
_ADMIN = _EDITOR | {
    Act.DELETE_CONVERSATIONS,
    Act.CHOOSE_MODEL,
    Act.EDIT_COMPANY,
    Act.MANAGE_MEMBERS,
    Act.MANAGE_KEYS,
}

TABLE = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.EDITOR: _EDITOR,
        Role.ADMIN: _ADMIN,
        Role.OWNER: frozenset(Act),
    }
)


def may(role: Role, act: Act) -> bool:
    return act in TABLE[role]
