"""manage.py rebuild_index: the vector index, anew from the database or compared with it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge import index
from knowledge.models import KnowledgeBase
from knowledge.vectors import VectorsDown


class Command(BaseCommand):
    help = "Rebuild (or with --check compare) the vector index. No embedding model is called."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client", metavar="ID", help="only this client's")
        parser.add_argument("--check", action="store_true", help="change nothing, only compare")

    def handle(self, *args: Any, **options: Any) -> None:
        bases = KnowledgeBase.objects.order_by("pk")
        if options["client"]:
            bases = bases.filter(client__public_id=options["client"])
        try:
            broken = [base for base in bases if not self._one(base, check=options["check"])]
        except VectorsDown as error:
            raise CommandError(f"Chroma does not answer: {error}") from error
        if broken:
            raise CommandError(f"{len(broken)} of the indexes differ from the database.")

    def _one(self, base: KnowledgeBase, *, check: bool) -> bool:
        if not check:
            index.rebuild(base)
        health = index.check(base)
        state = "ok" if health.ok else "DIFFERS"
        self.stdout.write(
            f"{base.public_id} {state}: {health.stored} passages, {health.indexed} in the index, "
            f"{health.found} of {health.sampled} sampled are their own best hit"
        )
        return health.ok
