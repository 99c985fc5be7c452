"""A server that speaks S3 (moto's), with buckets to lose."""

from __future__ import annotations

import itertools
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from botocore.config import Config
from botocore.session import Session

from tests.services.net import HOST, free_port, http_status
from tests.services.process import Service, program

ACCESS, SECRET = "AKIATESTS", "a/secret+of tests"
_numbers = itertools.count(1)


class S3(Service):
    """Everything in memory: after `kill()` and `start()` it is empty."""

    def __init__(self, *, directory: Path | None = None) -> None:
        super().__init__("s3", directory=directory)
        self.port = free_port()

    @property
    def url(self) -> str:
        """The endpoint; buckets are the first part of its paths."""
        return f"http://{HOST}:{self.port}"

    @cached_property
    def client(self) -> Any:
        """To look into buckets without the program under test."""
        return Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=ACCESS,
            aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def bucket(self) -> str:
        """A new one."""
        name = f"bucket-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        return name

    def storage_url(self, bucket: str, prefix: str = "", **options: str) -> str:
        """The STORAGE_URL, keys included."""
        keys = f"{quote(ACCESS, safe='')}:{quote(SECRET, safe='')}"
        query = "".join(f"&{name}={quote(value)}" for name, value in options.items())
        return f"s3://{keys}@{bucket}/{prefix}?endpoint={self.url}{query}"

    def files(self, bucket: str) -> list[str]:
        """The keys of all that lies in a bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def begun(self, bucket: str) -> list[str]:
        """The keys of what was begun in parts and is not complete."""
        answer = self.client.list_multipart_uploads(Bucket=bucket)
        return [one["Key"] for one in answer.get("Uploads", [])]

    def command(self) -> list[str]:
        """Without any file of its own."""
        return [program("moto_server"), "-H", HOST, "-p", str(self.port)]

    def ready(self) -> bool:
        """Whether its page about itself answers."""
        return http_status(self.port, "/moto-api/") == 200
