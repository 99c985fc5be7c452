"""manage.py demo: make or reset the demo client and say how to use it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from chatbot_saas.demo.seed import seed


class Command(BaseCommand):
    help = "Make (or with --reset make anew) the demo client and print how to use it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, no more")
        parser.add_argument("--reset", action="store_true", help="delete the demo client first")

    def handle(self, *args: Any, **options: Any) -> None:
        demo = asdict(seed(reset=options["reset"]))
        if options["json"]:
            self.stdout.write(json.dumps(demo))
            return
        for name, value in demo.items():
            self.stdout.write(f"{name:10} {value}")
