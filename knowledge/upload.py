"""Receive a file: streamed to disk beside the storage, hashed on the way, names checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import IO, Any, cast

from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles

from chatbot_saas.lib.errors import BadRequest, TooLarge, UnsupportedType
from knowledge.engine.detect import HEAD_BYTES, WrongType, format_of

MOST_NAME_CHARACTERS = 200


class HashingUploadHandler(TemporaryFileUploadHandler):
    """Write each chunk to the temporary file and into the hash."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        super().receive_data_chunk(raw_data, start)
        if start + len(raw_data) > settings.MAX_UPLOAD_BYTES:
            self.file.close()  # Django closes those that are complete
            raise too_large()
        self.digest.update(raw_data)

    def file_complete(self, file_size: int) -> TemporaryUploadedFile | None:
        file = super().file_complete(file_size)
        cast(Any, file).sha256 = self.digest.hexdigest()
        return cast(TemporaryUploadedFile | None, file)


class StrictMultiPartParser(MultiPartParser):
    """Refuses names that Django would quietly cut: their sender should know."""

    def sanitize_file_name(self, file_name: str) -> str | None:
        check_name(unescape(file_name))
        return super().sanitize_file_name(file_name)


class UploadParser(BaseParser):
    """DRF's way into the two classes above."""

    media_type = "multipart/form-data"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        request: HttpRequest = (parser_context or {})["request"]
        meta = {**request.META, "CONTENT_TYPE": media_type}
        handlers = [HashingUploadHandler(request)]
        try:
            parser = StrictMultiPartParser(
                meta, cast(Any, stream), handlers, settings.DEFAULT_CHARSET
            )
            data, files = parser.parse()
        except MultiPartParserError as error:
            raise ParseError(f"This is not a multipart form: {error}") from error
        return DataAndFiles(data, files)


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file that looks like what its name says. `sha256` is of its bytes, in hex."""

    name: str
    format: str
    bytes: int
    sha256: str
    file: File


def checked(file: TemporaryUploadedFile | None) -> Upload:
    """What a received file is; raises a CallerError for one that cannot be taken."""
    if file is None:
        raise BadRequest("file_missing", "Send the file in a multipart field named “file”.")
    name = file.name or ""
    check_name(name)
    if not file.size:
        raise BadRequest("file_empty", f"“{name}” is empty.")
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    try:
        file_format = format_of(name, head)
    except WrongType as error:
        raise UnsupportedType("file_type", str(error)) from error
    return Upload(name, file_format, file.size, cast(Any, file).sha256, file)


def check_name(name: str) -> None:
    if "/" in name or "\\" in name:
        raise BadRequest("file_name", "A file name must not contain a path (no / and no \\).")
    if len(name) > MOST_NAME_CHARACTERS:
        raise BadRequest(
            "file_name", f"This file name is longer than {MOST_NAME_CHARACTERS} letters."
        )
    if not name.strip(". "):
        raise BadRequest("file_name", "This file has no name.")


def too_large() -> TooLarge:
    megabytes = settings.MAX_UPLOAD_BYTES // (1024 * 1024)
    return TooLarge("too_large", f"A file may have {megabytes} MB at most.")
