"""Django's storage in a bucket. A file is never held in memory, only one part of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.files import File
from django.core.files.storage import Storage

from chatbot_saas.lib.s3.client import answering, make_client
from chatbot_saas.lib.s3.parts import Parts, Place
from chatbot_saas.lib.storage import StorageDown
from chatbot_saas.lib.storage_url import Bucket

PART_BYTES = 8 * 1024 * 1024


class StoredFile(File):
    """A file that is read once, from its start to its end, as it comes."""

    def __init__(self, body: Any, name: str, size: int) -> None:
        super().__init__(body, name)
        self.body = body
        self.size = size

    def read(self, count: int = -1) -> bytes:
        with answering(self.name or ""):
            return bytes(self.body.read(None if count < 0 else count))

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        while chunk := self.read(chunk_size or self.DEFAULT_CHUNK_SIZE):
            yield chunk


class S3Storage(Storage):
    """Names are paths within our part of the bucket. Raises StorageDown from every method."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.place = Place(bucket)

    @cached_property
    def client(self) -> Any:
        with answering("the storage"):  # a region or keys that make no sense
            return make_client(self.bucket)

    @cached_property
    def _quick_client(self) -> Any:
        return make_client(self.bucket, quick=True)

    @cached_property
    def parts(self) -> Parts:
        """Uploads in parts, of which others may send some themselves."""
        return Parts(self.place, lambda: self.client)

    def is_up(self) -> bool:
        """Whether it answers and lets us in, asked briefly."""
        try:
            with answering("the storage"):
                self._quick_client.list_objects_v2(
                    Bucket=self.bucket.name, Prefix=self.place.key(""), MaxKeys=1
                )
        except (StorageDown, FileNotFoundError):
            return False
        return True

    def exists(self, name: str) -> bool:
        try:
            self._head(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        return int(self._head(name)["ContentLength"])

    def get_modified_time(self, name: str) -> datetime:
        modified: datetime = self._head(name)["LastModified"]
        return modified

    def delete(self, name: str) -> None:
        """Harmless where there is nothing."""
        with answering(name):
            self.client.delete_object(**self.place.of(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        folder = self.place.key(path).rstrip("/") + "/"
        folder = "" if folder == "/" else folder
        folders, files = list[str](), list[str]()
        with answering(path):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket.name, Prefix=folder, Delimiter="/"):
                for one in page.get("CommonPrefixes", []):
                    folders.append(one["Prefix"].removeprefix(folder).rstrip("/"))
                files += [one["Key"].removeprefix(folder) for one in page.get("Contents", [])]
        return folders, files

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        # Ours are random, or meant to be written over: to ask first would be a call for nothing.
        return name

    def _head(self, name: str) -> dict[str, Any]:
        with answering(name):
            return dict(self.client.head_object(**self.place.of(name)))

    def _open(self, name: str, mode: str = "rb") -> File:
        with answering(name):
            answer = self.client.get_object(**self.place.of(name))
        return StoredFile(answer["Body"], name, answer["ContentLength"])

    def _save(self, name: str, content: File) -> str:
        chunks = content.chunks(PART_BYTES)
        first = next(chunks, b"")
        if len(first) < PART_BYTES:
            with answering(name):
                self.client.put_object(**self.place.new(name), Body=first)
        else:
            self._save_parts(name, first, chunks)
        return name

    def _save_parts(self, name: str, first: bytes, others: Iterator[bytes]) -> None:
        upload = self.parts.begin(name)
        try:
            self.parts.send(name, upload, 1, first)
            for number, chunk in enumerate(others, 2):
                self.parts.send(name, upload, number, chunk)
            self.parts.complete(name, upload, self.parts.sent(name, upload))
        except BaseException:
            self.parts.abort(name, upload)
            raise
