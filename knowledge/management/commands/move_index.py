"""manage.py move_index: bases to another Chroma server; with nothing, list the servers."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot_saas.lib.errors import Conflict
from knowledge import moving
from knowledge.models import KnowledgeBase, KnowledgeBaseQuerySet
from knowledge.placing import loads
from knowledge.vectors import shards

FILTERS = {"base": "public_id", "client": "client__public_id", "from": "shard"}


class Command(BaseCommand):
    help = "Move knowledge bases to another Chroma server. Answers go on; it is filled from here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base", metavar="ID", help="this knowledge base")
        parser.add_argument("--client", metavar="ID", help="those of this client")
        parser.add_argument("--from", metavar="NAME", help="those on this server")
        parser.add_argument(
            "--to", metavar="NAME", help="a name of CHROMA_SHARDS, or '' for the usual server"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["to"] is None:
            self._list()
            return
        if options["to"] not in shards():
            raise CommandError(f"CHROMA_SHARDS names no server “{options['to']}”.")
        wanted = {way: options[name] for name, way in FILTERS.items() if options[name] is not None}
        if not wanted:
            raise CommandError("Say which: --base, --client or --from.")
        self._move(KnowledgeBase.objects.filter(**wanted).order_by("pk"), options["to"])

    def _list(self) -> None:
        for shard, (passages, bases) in loads().items():
            self.stdout.write(f"server '{shard}': {passages} passages, {bases} knowledge bases")

    def _move(self, bases: KnowledgeBaseQuerySet, shard: str) -> None:
        failed = [base for base in bases if not self._one(base, shard)]
        if failed:
            raise CommandError(f"{len(failed)} knowledge bases stay where they are.")

    def _one(self, base: KnowledgeBase, shard: str) -> bool:
        try:
            moving.move(base, shard)
        except Conflict as error:
            self.stdout.write(f"{base.public_id}: {error.message}")
            return error.code == "same_server"
        self.stdout.write(f"{base.public_id} to '{shard}': moved, filled in by a worker")
        return True
