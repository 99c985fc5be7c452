"""Log in and out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse

from accounts import limits
from chatbot_saas.lib.errors import TooManyRequests


class LimitedLogin(auth.LoginView):
    """Django's log-in, with limits by address and by account."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            limits.spend_by_address(request, "login_address")
            limits.spend(request, "login_account", request.POST.get("username", "").lower()[:254])
        except TooManyRequests as error:
            form: AuthenticationForm = self.get_form_class()(request)
            page = self.render_to_response(self.get_context_data(form=form, notice=error.message))
            page.status_code = error.status
            page.headers["Retry-After"] = str(error.retry_after)
            return page
        return super().post(request, *args, **kwargs)


login = LimitedLogin.as_view()
logout = auth.LogoutView.as_view()
