from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "chatbot_saas"
    label = "site"
