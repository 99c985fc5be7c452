"""The Celery application. A message only wakes a worker; the work itself is a row."""

from __future__ import annotations

import os

from celery import Celery
from kombu.entity import Queue

from chatbot_saas import (
    folder_broker,  # noqa: F401 - replaces kombu's own
    queues,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_saas.settings")

app = Celery("chatbot_saas")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in queues.ALL]
app.autodiscover_tasks()
app.autodiscover_tasks(["knowledge.crawl"])
