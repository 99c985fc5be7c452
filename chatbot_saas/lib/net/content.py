"""What a server sent, within what we take: kinds, bytes, and what compressed bytes unpack to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message

import httpcore

from chatbot_saas.lib.net.errors import WrongType
from chatbot_saas.lib.net.inflate import ENCODINGS, inflated, limited, too_large

MEGABYTE = 1024 * 1024
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may cost. `seconds` counts from the name's look-up to the last byte, over all
    redirects; `bytes` before and after unpacking; no `types` means any."""

    seconds: float = 20.0
    bytes: int = 10 * MEGABYTE
    redirects: int = 5
    types: frozenset[str] = PAGE_TYPES


PAGE = Limits()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: `url` is the address that answered in the end; names of headers are in lower
    case; a `status` of 304 has no body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        return content_type(self.headers)[0]

    @property
    def charset(self) -> str:
        return content_type(self.headers)[1]


def content_type(headers: Mapping[str, str]) -> tuple[str, str]:
    """Kind and charset, both in lower case, "" where they are not named."""
    message = Message()
    message["Content-Type"] = headers.get("content-type", "") or "application/octet-stream"
    charset = message.get_content_charset("")
    return message.get_content_type().lower(), str(charset)


def body_of(response: httpcore.Response, headers: Mapping[str, str], limits: Limits) -> bytes:
    found = content_type(headers)[0]
    if limits.types and found not in limits.types:
        raise WrongType(f"This is of the kind “{found[:80]}”, which is not a page of text.")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > limits.bytes:
        raise too_large(limits.bytes)
    encoding = headers.get("content-encoding", "").lower()
    if encoding in {"", "identity"}:
        return limited(response.iter_stream(), limits.bytes)
    if encoding not in ENCODINGS:
        raise WrongType(f"It is packed in a way that we did not ask for (“{encoding[:20]}”).")
    return limited(inflated(_counted(response.iter_stream(), limits.bytes)), limits.bytes)


def _counted(chunks: Iterable[bytes], most: int) -> Iterable[bytes]:
    """The same chunks, as long as there are not more than `most` bytes of them."""
    count = 0
    for chunk in chunks:
        count += len(chunk)
        if count > most:
            raise too_large(most)
        yield chunk
