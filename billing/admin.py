"""dj-stripe's own admin pages show the secret key in plain text: they are taken out."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

for model in apps.get_app_config("djstripe").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)
