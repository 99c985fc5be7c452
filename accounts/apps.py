from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import impersonation, security_events  # noqa: F401, PLC0415 - receivers
