"""What allauth asks us."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.mail import EmailMessage
from django.http import Http404, HttpRequest

from accounts.limits import address_of


class AccountAdapter(DefaultAccountAdapter):
    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller as our own limits see them (chatbot_saas.lib.net)."""
        return address_of(request)

    def render_mail(
        self, template_prefix: str, email: Any, context: Any, headers: Any = None
    ) -> EmailMessage:
        """Mails name the product by its settings: there is no table of sites."""
        names = {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
        mail = super().render_mail(template_prefix, email, context | names, headers)
        return cast(EmailMessage, mail)

    def send_account_already_exists_mail(self, email: str) -> None:
        """Somebody signs up with an address that has an account.

        A new account would have hashed its password, which takes longer than all the rest: not to
        do it here would tell by the time that there is an account.
        """
        make_password("no account is made")
        super().send_account_already_exists_mail(email)


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def get_app(self, request: HttpRequest, provider: Any, client_id: Any = None) -> SocialApp:
        """A provider without keys has no pages: to allauth their absence is a fault."""
        try:
            return cast(SocialApp, super().get_app(request, provider, client_id))
        except SocialApp.DoesNotExist as error:
            raise Http404 from error

    def list_apps(
        self, request: HttpRequest, provider: Any = None, client_id: Any = None
    ) -> list[SocialApp]:
        """Asked of the database once in a request, not once for each connection that is shown."""
        known = vars(request).setdefault("social_apps", {})
        if (provider, client_id) not in known:
            known[provider, client_id] = super().list_apps(request, provider, client_id)
        return cast(list[SocialApp], known[provider, client_id])
