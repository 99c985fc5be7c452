"""manage.py ingest PATH… --bot BOT_ID: read files into a bot's knowledge, here and now."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from knowledge import ingest, jobs, sources, unpack
from knowledge.engine.detect import WrongType
from knowledge.engine.formats import BY_SUFFIX
from knowledge.models import KnowledgeBase, Source


class Command(BaseCommand):
    help = "Read files, or all files of folders, into the knowledge of a bot."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--bot", required=True, metavar="BOT_ID")

    def handle(self, *args: Any, **options: Any) -> None:
        base = KnowledgeBase.objects.serving(options["bot"]).select_related("client").first()
        if base is None:
            raise CommandError(f"There is no bot {options['bot']}.")
        failed = 0
        for path in tqdm(list(_files(options["paths"])), unit="file", disable=None):
            outcome = _ingest(base, path)
            failed += bool(outcome)
            if outcome:
                tqdm.write(f"{path}: {outcome}", file=self.stderr)
        base.refresh_from_db()
        self.stdout.write(f"{base.live_passages} passages ready for answers.")
        if failed:
            raise CommandError(f"{failed} files could not be read.")


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.suffix.lower() in BY_SUFFIX)
        elif path.is_file():
            yield path
        else:
            raise CommandError(f"There is no file {path}.")


def _ingest(base: KnowledgeBase, path: Path) -> str:
    """Read one file to the end; the reason when that failed."""
    if not path.stat().st_size:
        return "This file is empty."
    try:
        source = sources.add_path(base, path)
    except WrongType as error:
        return str(error)
    _read(source)
    if not Source.objects.filter(pk=source.pk).exists():
        return ""  # an archive: what is in it tells for itself
    source.refresh_from_db()
    return source.error if source.state == Source.State.FAILED else ""


def _read(source: Source) -> None:
    if source.format != "zip":
        ingest.ingest(source.pk)
    elif (archive := jobs.claim(source.pk)) is not None:
        for member in unpack.unpacked(archive):
            ingest.ingest(member)
