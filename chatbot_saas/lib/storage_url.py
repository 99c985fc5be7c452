"""STORAGE_URL: where files lie, as settings for Django's storages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]{0,200}")
QUERY = ("endpoint", "public_endpoint", "region", "style", "encryption", "kms_key")
STYLES = ("path", "virtual")
ENCRYPTIONS = ("AES256", "aws:kms")


@dataclass(frozen=True, slots=True)
class Keys:
    """Who we are to the storage; empty where the machine's own role says it."""

    access: str = ""
    secret: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return "Keys(…)"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of any server that speaks S3, and the folder in it that is ours."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    public_endpoint: str = ""  # under which browsers reach it, where that is another one
    region: str = ""
    style: str = ""
    encryption: str = ""
    kms_key: str = ""
    keys: Keys = Keys()


def storage_of(url: str, keys: Keys, region: str = "") -> dict[str, Any]:
    """The entry of settings.STORAGES; `keys` and `region` where the address does not name them."""
    if url.startswith("file://"):
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    return {
        "BACKEND": "chatbot_saas.lib.s3.storage.S3Storage",
        "OPTIONS": {"bucket": bucket_of(url, keys, region)},
    }


def folder_of(url: str, otherwise: Path) -> Path:
    """The folder of a file:// address; of any other the one for files on their way."""
    if not url.startswith("file://"):
        return otherwise
    path = Path(url.removeprefix("file://"))
    if not path.is_absolute():
        raise _wrong("a folder is named from the root on: file:///var/files")
    return path


def bucket_of(url: str, keys: Keys, region: str = "") -> Bucket:
    """Raises ImproperlyConfigured, whose message never holds the address: it may hold keys."""
    parts = _split(url)
    options = _options(parts.query)
    name = parts.netloc.rpartition("@")[2]
    prefix = unquote(parts.path).strip("/")
    if not BUCKET.fullmatch(name):
        raise _wrong("a bucket's name has 3 to 63 small letters, digits, dots and dashes")
    if not PREFIX.fullmatch(prefix) or ".." in prefix.split("/"):
        raise _wrong("the folder within the bucket may only have letters, digits and !_.*'()/-")
    if not options.get("region"):
        # Servers of one's own have no regions, but a signature names one.
        options["region"] = region or ("us-east-1" if "endpoint" in options else "")
    return Bucket(name=name, prefix=prefix, keys=_keys(parts, keys), **options)


def _split(url: str) -> SplitResult:
    if not url.startswith("s3://"):
        raise _wrong("it must be file:///folder or s3://bucket/folder?endpoint=…&region=…")
    try:
        return urlsplit(url)
    except ValueError as error:
        raise _wrong("this is not an address") from error


def _keys(parts: SplitResult, keys: Keys) -> Keys:
    user, _, _ = parts.netloc.rpartition("@")
    if not user:
        own = keys
    else:
        access, _, secret = user.partition(":")
        own = Keys(unquote(access), unquote(secret))
    if bool(own.access) != bool(own.secret):
        raise _wrong("an access key and its secret key are given together")
    return own


def _options(query: str) -> dict[str, str]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(given.keys() - set(QUERY)):
        raise _wrong(f"{unknown[0][:40]} is none of {', '.join(QUERY)}")
    for name in ("endpoint", "public_endpoint"):
        if name in given:
            given[name] = _origin(name, given[name])
    if given.get("style", "path") not in STYLES:
        raise _wrong(f"style is one of {', '.join(STYLES)}")
    if given.get("encryption", "AES256") not in ENCRYPTIONS:
        raise _wrong(f"encryption is one of {', '.join(ENCRYPTIONS)}")
    return given


def _origin(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise _wrong(f"{name} is not an address") from error
    is_bare = not parts.query and not parts.fragment and not parts.username
    if parts.scheme not in {"http", "https"} or not parts.hostname or not is_bare:
        raise _wrong(f"{name} is an address such as https://files.example")
    return value.rstrip("/")


def _wrong(what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"STORAGE_URL: {what}")
