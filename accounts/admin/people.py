"""People: found by address, looked into, deactivated."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts import audit
from accounts.audit import Action
from accounts.impersonation import may_impersonate
from accounts.look_only import LookOnlyInline, actor_of, staff_of
from accounts.models import Membership, User

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class MembershipsOfPerson(LookOnlyInline):
    model = Membership
    fields = ("client", "role", "created_at")
    related = ("client",)


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    """Addresses and passwords are the person's own: neither can be seen or set here."""

    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "date_joined")
    search_fields = ("email", "name")
    ordering = ("-date_joined",)
    list_per_page = 50
    show_full_result_count = False
    fields = ("email", "name", "is_active", *RIGHTS, "date_joined", "last_login")
    filter_horizontal = ("groups", "user_permissions")
    inlines = (MembershipsOfPerson,)
    change_form_template = "admin/accounts/user/change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed = ("email", "date_joined", "last_login")
        return fixed if staff_of(request).is_superuser else (*fixed, *RIGHTS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not staff_of(request).is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not form.changed_data:
            return
        changed = ", ".join(form.changed_data)
        for membership in obj.memberships.select_related("client"):
            audit.record_by_system(
                membership.client,
                Action.PERSON_CHANGED,
                obj.email,
                actor=actor_of(request),
                changed=changed,
            )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        person = self.get_object(request, object_id)
        may = may_impersonate(hijacker=staff_of(request), hijacked=person)
        context = {**(extra_context or {}), "may_impersonate": may}
        return super().change_view(request, object_id, form_url, context)
