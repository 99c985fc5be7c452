"""The door to a bucket: botocore's client, its time-outs, and what its errors mean to us.

Only the storage imports this, and Django imports that only where STORAGE_URL is s3://…: botocore
takes 40 MB of each process that knows it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from chatbot_saas.lib.storage import StorageDown
from chatbot_saas.lib.storage_url import Bucket

MISSING = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchUpload"})
CONNECT_SECONDS = 5
READ_SECONDS = 30
QUICK_SECONDS = 2
_making = threading.Lock()  # making one is not thread-safe, using one is


def make_client(bucket: Bucket, *, endpoint: str = "", quick: bool = False) -> Any:
    """A client of botocore; `quick` for those who would rather have no answer than wait for it."""
    config = Config(
        signature_version="s3v4",
        connect_timeout=QUICK_SECONDS if quick else CONNECT_SECONDS,
        read_timeout=QUICK_SECONDS if quick else READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1 if quick else 3},
        s3={"addressing_style": bucket.style or ("path" if bucket.endpoint else "auto")},
        # Amazon's newer checksums are not known everywhere.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with _making:
        return Session().create_client(
            "s3",
            region_name=bucket.region or None,
            endpoint_url=endpoint or bucket.endpoint or None,
            aws_access_key_id=bucket.keys.access or None,
            aws_secret_access_key=bucket.keys.secret or None,
            aws_session_token=bucket.keys.token or None,
            config=config,
        )


@contextmanager
def answering(name: str) -> Iterator[None]:
    """Raises FileNotFoundError for what is not there, and StorageDown for all else."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in MISSING:
            raise FileNotFoundError(name) from error
        raise StorageDown(f"the storage says {code}") from error
    except BotoCoreError as error:
        raise StorageDown(type(error).__name__) from error
