"""Files that come into the bucket in parts: from us, or from a browser by signed addresses.

What is not completed is no file and is seen by nobody; once it is completed or aborted, the
addresses that were signed for it are worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from chatbot_saas.lib.s3.client import answering, make_client
from chatbot_saas.lib.storage import SentPart
from chatbot_saas.lib.storage_url import Bucket


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the bucket a name lies, as botocore wants it said."""

    bucket: Bucket

    def key(self, name: str) -> str:
        return f"{self.bucket.prefix}/{name}" if self.bucket.prefix else name

    def of(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket.name, "Key": self.key(name)}

    def new(self, name: str) -> dict[str, str]:
        """The same for a file that is yet to be."""
        said = {
            "ServerSideEncryption": self.bucket.encryption,
            "SSEKMSKeyId": self.bucket.kms_key,
        }
        return self.of(name) | {key: value for key, value in said.items() if value}


class Parts:
    """Raises StorageDown from every method, and FileNotFoundError for an upload that is over."""

    def __init__(self, place: Place, client: Callable[[], Any]) -> None:
        self.place = place
        self._client = client

    @cached_property
    def _signer(self) -> Any:
        """Signing asks nobody; it only must know the address under which the others go."""
        public = self.place.bucket.public_endpoint
        return make_client(self.place.bucket, endpoint=public) if public else self._client()

    @cached_property
    def origin(self) -> str:
        """What a page's policy must allow it to send to."""
        parts = urlsplit(self.sign("x", "x", 1, bytes=1, seconds=1))
        return f"{parts.scheme}://{parts.netloc}"

    def begin(self, name: str) -> str:
        with answering(name):
            answer = self._client().create_multipart_upload(**self.place.new(name))
        return str(answer["UploadId"])

    def sign(self, name: str, upload: str, number: int, *, bytes: int, seconds: int) -> str:
        """An address to which a part of exactly so many bytes may be PUT for so long."""
        part = self._part(name, upload, number) | {"ContentLength": bytes}
        with answering(name):
            return str(self._signer.generate_presigned_url("upload_part", part, seconds))

    def send(self, name: str, upload: str, number: int, content: bytes) -> None:
        with answering(name):
            self._client().upload_part(**self._part(name, upload, number), Body=content)

    def sent(self, name: str, upload: str) -> list[SentPart]:
        """The parts that have arrived, in their order."""
        with answering(name):
            pages = self._client().get_paginator("list_parts")
            found = [
                SentPart(one["PartNumber"], one["Size"], one["ETag"])
                for page in pages.paginate(**self.place.of(name), UploadId=upload)
                for one in page.get("Parts", [])
            ]
        return sorted(found, key=lambda part: part.number)

    def complete(self, name: str, upload: str, parts: Sequence[SentPart]) -> None:
        """Make the file of its parts."""
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        with answering(name):
            self._client().complete_multipart_upload(
                **self.place.of(name), UploadId=upload, MultipartUpload={"Parts": listed}
            )

    def abort(self, name: str, upload: str) -> None:
        """Harmless for one that is over."""
        with suppress(FileNotFoundError), answering(name):
            self._client().abort_multipart_upload(**self.place.of(name), UploadId=upload)

    def abort_all(self, prefix: str) -> None:
        """Whatever was begun under names that begin so, and never completed."""
        prefix = self.place.key(prefix)
        with answering(prefix):
            pages = self._client().get_paginator("list_multipart_uploads")
            found = [
                (one["Key"], one["UploadId"])
                for page in pages.paginate(Bucket=self.place.bucket.name, Prefix=prefix)
                for one in page.get("Uploads", [])
            ]
            for key, upload in found:
                self._client().abort_multipart_upload(
                    Bucket=self.place.bucket.name, Key=key, UploadId=upload
                )

    def _part(self, name: str, upload: str, number: int) -> dict[str, Any]:
        return {**self.place.of(name), "UploadId": upload, "PartNumber": number}
