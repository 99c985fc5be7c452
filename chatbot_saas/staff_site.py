"""The admin of our staff: Django's, with the log-in that everybody uses and its second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

View = Callable[..., HttpResponseBase]


class StaffSite(AdminSite):
    site_header = site_title = "Staff"
    index_title = "What there is"
    enable_nav_sidebar = True

    def login(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return secure_admin_login(super().login)(request, *args, **kwargs)

    def logout(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        # Django's own form would ask for no second factor and tell nobody.
        return redirect("account_change_password")

    def admin_view(self, view: View, cacheable: bool = False) -> Any:
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # This module is loaded while Django still gathers its models.
            from accounts.staff import lacks_second_factor  # noqa: PLC0415

            if lacks_second_factor(request.user):  # type: ignore[arg-type]
                messages.warning(request, "Staff need a second factor: please set one up first.")
                return redirect("mfa_index")
            return view(request, *args, **kwargs)

        return super().admin_view(guarded, cacheable)
