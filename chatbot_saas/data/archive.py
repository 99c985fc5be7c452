"""Write a client's data into a ZIP file, a batch at a time."""

from __future__ import annotations

import hashlib
import json
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Client
from chatbot_saas.data import contents
from knowledge.engine.formats import FORMATS
from knowledge.models import Source

FORMAT = 1
CHUNK = 1024 * 1024
BYTES_OF_A_ROW = 500  # roughly: so that files and rows move the same progress bar
MOST_TITLE_CHARACTERS = 80
SUFFIXES = {one.key: one.suffixes[0] for one in FORMATS}
README = """This archive holds everything that {site} keeps for one company.

manifest.json   what is in here: for each file its rows, bytes and SHA-256
*.jsonl         one JSON object on each line
files/          the documents as they were uploaded

Keys are listed by their first letters only: the keys themselves are kept nowhere.
"""

Beat = Callable[[float], None]


@dataclass
class Archive:
    """A ZIP file that is being written; `beat` is told the share that is done."""

    zip: zipfile.ZipFile
    beat: Beat
    total: int
    done: int = 0
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """One file of the archive, and its line in the manifest."""
        digest, size = hashlib.sha256(), 0
        with self.zip.open(name, "w", force_zip64=True) as out:
            for chunk in chunks:
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                self._beat(len(chunk))
        self.entries[name] = {"bytes": size, "sha256": digest.hexdigest()}

    def add_rows(self, kind: contents.Kind, client: Client) -> None:
        count = 0

        def chunks() -> Iterable[bytes]:
            nonlocal count
            for batch in kind.lines(client):
                count += len(batch)
                yield b"".join(map(_encoded, batch))

        self.add(kind.file, chunks())
        self.entries[kind.file] = {"rows": count, **self.entries[kind.file]}

    def add_file(self, source: Source) -> None:
        """The file as it was uploaded; one that was deleted meanwhile is left out."""
        try:
            stored = default_storage.open(source.file)
        except FileNotFoundError:
            return
        with stored:
            self.add(f"files/{file_name(source)}", stored.chunks(CHUNK))

    def _beat(self, done: int) -> None:
        self.done += done
        self.beat(min(self.done / max(self.total, 1), 0.99))


def write(path: Path, client: Client, beat: Beat, *, site: str) -> None:
    """Everything of `client` as a new ZIP file at `path`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as file:
        archive = Archive(file, beat, _size(client))
        for kind in contents.KINDS:
            archive.add_rows(kind, client)
        for source in contents.files(client):
            archive.add_file(source)
        file.writestr("README.txt", README.format(site=site))
        file.writestr("manifest.json", _manifest(client, archive.entries, timezone.now()))


def file_name(source: Source) -> str:
    """A name that no program trips over: the source's id, and what is harmless of its title."""
    title = "".join(letter if _is_harmless(letter) else "-" for letter in source.title)
    title = title[:MOST_TITLE_CHARACTERS].strip(" .-") or "untitled"
    return f"{source.public_id}-{title}{SUFFIXES.get(source.format, '')}"


def _is_harmless(letter: str) -> bool:
    # Letters, marks and digits of any script; no slashes, controls or marks of direction.
    return unicodedata.category(letter)[0] in "LMN" or letter in " ._-"


def _encoded(line: contents.Line) -> bytes:
    return json.dumps(line, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


def _manifest(client: Client, entries: dict[str, Any], now: datetime) -> str:
    manifest = {
        "format": FORMAT,
        "company": {"id": client.public_id, "name": client.name},
        "created_at": now.isoformat(),
        "files": entries,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=2)


def _size(client: Client) -> int:
    rows = sum(kind.rows(client).count() for kind in contents.KINDS)
    files = Source.objects.for_client(client).exclude(file="").aggregate(size=Sum("bytes"))["size"]
    return rows * BYTES_OF_A_ROW + (files or 0)
