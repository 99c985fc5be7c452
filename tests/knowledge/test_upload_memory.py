"""The largest file that may be sent, through a real server: the web process does not grow."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from knowledge.models import Source
from tests.house import House, Tenant, refused
from tests.services.memory import forget_peak, peak_megabytes

CHUNK = 1024 * 1024
MOST_GROWTH = 40  # megabytes; the file has 500
BOUNDARY = "a-line-between"
END = f"\r\n--{BOUNDARY}--\r\n".encode()


def fields(bot: str) -> bytes:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="bot"\r\n\r\n{bot}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
    )
    return head.encode()


def body(bot: str, size: int) -> Iterator[bytes]:
    """A multipart body with a file of `size` bytes, which is made as it goes."""
    yield fields(bot)
    noise = bytes(range(1, 9)) * (CHUNK // 8)
    for _ in range(size // CHUNK):
        yield noise
    yield END


def test_half_a_gigabyte_passes_through_without_the_web_process_growing(
    house: House, shop: Tenant
) -> None:
    """Its bytes are noise, which is seen only once all of them lie in the temporary file."""
    bot, size = shop.bot.public_id, settings.MAX_UPLOAD_BYTES
    before = forget_peak(house.web.pid)
    answer = shop.http.post(
        "/api/documents",
        content=body(bot, size),
        headers={
            **shop.bearer,
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Content-Length": str(len(fields(bot)) + size + len(END)),
        },
        timeout=300,
    )
    assert refused(answer) == (415, "file_type")
    grown = peak_megabytes(house.web.pid) - before
    assert grown < MOST_GROWTH, f"{grown:.0f} MB"
    assert not Source.objects.for_client(shop.client).exists()
