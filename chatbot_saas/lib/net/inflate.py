"""Compressed bytes, unpacked no further than is asked for, whatever they would become."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from chatbot_saas.lib.net.errors import TooLarge, WrongType

GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
PIECE = 64 * 1024
ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})


def limited(chunks: Iterable[bytes], most: int) -> bytes:
    """All of `chunks`. Raises TooLarge, before it is all in memory."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > most:
            raise too_large(most)
    return bytes(body)


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip or zlib in pieces of at most PIECE bytes. Raises WrongType."""
    stream = zlib.decompressobj(GZIP_OR_ZLIB)
    for chunk in chunks:
        while chunk:
            try:
                yield stream.decompress(chunk, PIECE)
            except zlib.error as error:
                raise WrongType("Its compression is damaged.") from error
            chunk = stream.unconsumed_tail
            if stream.eof and (chunk := stream.unused_data):
                stream = zlib.decompressobj(GZIP_OR_ZLIB)  # files may be joined


def too_large(most: int) -> TooLarge:
    megabytes = most / (1024 * 1024)
    size = f"{megabytes:.0f} MB" if megabytes >= 1 else f"{max(most // 1024, 1)} kB"
    return TooLarge(f"It has more than the {size} that we take.")
