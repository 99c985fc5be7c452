"""manage.py reembed: give knowledge bases another embedding model; with nothing, list them all."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot_saas.lib.errors import Conflict
from knowledge import change_model, reembed
from knowledge.embedding import offered
from knowledge.models import KnowledgeBase, KnowledgeBaseQuerySet, Reembedding


class Command(BaseCommand):
    help = "Change embedding models. Answers go on by the old one until all vectors are there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client", metavar="ID", help="only this client's knowledge bases")
        parser.add_argument("--model", metavar="NAME", help="the model to change to")
        parser.add_argument("--now", action="store_true", help="do it here, not in a worker")

    def handle(self, *args: Any, **options: Any) -> None:
        bases = KnowledgeBase.objects.order_by("pk")
        if options["client"]:
            bases = bases.filter(client__public_id=options["client"])
        if options["model"]:
            self._change(bases, options["model"], now=options["now"])
        else:
            self._list(bases)

    def _list(self, bases: KnowledgeBaseQuerySet) -> None:
        for model in offered():
            self.stdout.write(f"model {model.name}: {model.title}")
        for base in bases:
            self.stdout.write(f"{base.public_id} {base.embedding_model}")

    def _change(self, bases: KnowledgeBaseQuerySet, model: str, *, now: bool) -> None:
        if model not in {one.name for one in offered()}:
            raise CommandError(f"There is no model {model}: see manage.py reembed.")
        failed = [base for base in bases if not self._one(base, model, now=now)]
        if failed:
            raise CommandError(f"{len(failed)} knowledge bases keep their model.")

    def _one(self, base: KnowledgeBase, model: str, *, now: bool) -> bool:
        try:
            change = change_model.begin(base, model)
        except Conflict as error:
            self.stdout.write(f"{base.public_id}: {error.message}")
            return error.code == "same_model"
        if now:
            _finish(change)
        how = change.error or change.get_state_display()
        self.stdout.write(f"{base.public_id} to {model}: {how}")
        return change.state != Reembedding.State.FAILED


def _finish(change: Reembedding) -> None:
    """Here, or wait for the worker that was quicker."""
    while change.is_working:
        reembed.reembed(change.pk)
        change.refresh_from_db()
        if change.is_working:
            time.sleep(1)
