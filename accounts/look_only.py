"""What the admin pages of all apps share: rows to look at, and changes by named steps only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from accounts.audit import Actor
from accounts.models import User
from accounts.staff import support_name

SHOWN_ROWS = 20


class LookOnly(admin.ModelAdmin[Any]):
    """Nothing can be added, edited or deleted. Steps are actions of their own."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_step_permission(self, request: HttpRequest) -> bool:
        """May run the actions: whoever has Django's right to change such rows."""
        meta = self.model._meta
        return staff_of(request).has_perm(f"{meta.app_label}.change_{meta.model_name}")


class FirstFew(BaseInlineFormSet[Any, Any, Any]):
    """Of 10,000 members a page shows the first; their own list has them all."""

    def get_queryset(self) -> QuerySet[Any]:
        if not hasattr(self, "_few"):
            self._few = super().get_queryset()[:SHOWN_ROWS]
        return self._few


class LookOnlyInline(admin.TabularInline[Any, Any]):
    extra = 0
    can_delete = False
    show_change_link = True
    formset = FirstFew
    related: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.related)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def staff_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin lets nobody else in
    return request.user


def actor_of(request: HttpRequest) -> Actor:
    """How the person behind this request stands in clients' audit logs."""
    return Actor(support_name(staff_of(request)), request)
