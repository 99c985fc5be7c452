"""manage.py prepare: bring the database, the static files and the local model up to date."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from chatbot_saas.demo.seed import Demo, seed
from chatbot_saas.fresh_sqlite import create_djstripe_tables, is_fresh_sqlite
from chatbot_saas.static import collect_static_files
from knowledge.engine.embed import LOCAL, local_model


class Command(BaseCommand):
    help = "Everything that must be there before the processes start. Quick when it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="make the demo client too")

    def handle(self, *args: Any, **options: Any) -> None:
        if is_fresh_sqlite():
            create_djstripe_tables()
        call_command("migrate", interactive=False, verbosity=0)
        collect_static_files()
        if settings.EMBEDDING_MODEL == LOCAL:
            local_model(settings.VAR_DIR / "models")
        if options["demo"]:
            self._greet(seed())

    def _greet(self, demo: Demo) -> None:
        self.stdout.write(
            f"""
  {settings.SITE_NAME} is starting:

    {demo.url}/demo/    the demo shop: ask its chat something
    {demo.url}/app/     the dashboard
        log in with   {demo.email}
        password      {demo.password}

    API key           {demo.api_key}
    bot               {demo.bot_id}

  Ctrl-C stops everything.
"""
        )
