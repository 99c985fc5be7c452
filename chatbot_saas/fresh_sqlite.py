"""A new SQLite file in seconds: dj-stripe's tables made at once, its migrations marked as applied.

Its migrations rebuild each table dozens of times, which costs SQLite almost a minute. The tables
that come of it are those that the models describe; a test compares both schemas.
"""

from __future__ import annotations

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

APP = "djstripe"
# What dj-stripe's tables refer to.
BEFORE = ("contenttypes", "auth", "accounts")


def is_fresh_sqlite() -> bool:
    if connection.vendor != "sqlite":
        return False
    return not MigrationRecorder(connection).applied_migrations()


def create_djstripe_tables() -> None:
    for app in BEFORE:
        call_command("migrate", app, interactive=False, verbosity=0)
    with connection.schema_editor() as schema:
        for model in apps.get_app_config(APP).get_models(include_auto_created=False):
            schema.create_model(model)
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    for app, name in MigrationExecutor(connection).loader.graph.nodes:
        if app == APP:
            recorder.record_applied(app, name)
