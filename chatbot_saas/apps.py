from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SiteConfig(AppConfig):
    name = "chatbot_saas"
    label = "site"


class StaffAdminConfig(AdminConfig):
    """Django's admin on our own site object: log-in by allauth, second factor."""

    default_site = "chatbot_saas.staff_site.StaffSite"
