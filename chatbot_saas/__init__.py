"""The project: settings, addresses, servers and the pages that belong to no app."""

from chatbot_saas.celery import app as celery_app

__all__ = ["celery_app"]
