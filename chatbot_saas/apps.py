import django_stubs_ext
from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps

# Before the models of any app. Not in the settings: the scheduler reads them without Django.
django_stubs_ext.monkeypatch()


class SiteConfig(AppConfig):
    name = "chatbot_saas"
    label = "site"
    default = True


class StaffAdminConfig(admin_apps.AdminConfig):
    """Django's admin on our own site object: log-in by allauth, second factor."""

    default = False
    default_site = "chatbot_saas.staff_site.StaffSite"
