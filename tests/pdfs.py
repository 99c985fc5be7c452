"""Small PDFs, written by hand."""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A page that is a picture: all of one `grey`, over this share of its height, and any text."""

    grey: int
    text: str = ""
    share: float = 1.0

    @property
    def drawing(self) -> str:
        height = 842 * self.share
        pixel = f"BI /W 1 /H 1 /CS /G /BPC 8 /F /AHx ID {self.grey:02x}> EI"
        return f"q 595 0 0 {height:.0f} 0 0 cm {pixel} Q "


def pdf(*pages: str | Picture) -> bytes:
    """A PDF with these lines of text, a page each; a page of "" has none."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, page in enumerate(pages):
        stream = _drawn(page).encode("latin-1")
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>"
            + f"/Contents {5 + 2 * number} 0 R>>".encode(),
            f"<</Length {len(stream)}>>stream\n".encode() + stream + b"\nendstream",
        ]
    return _file(objects)


def _drawn(page: str | Picture) -> str:
    if isinstance(page, Picture):
        return page.drawing + _drawn(page.text)
    return f"BT /F1 12 Tf 50 700 Td ({page}) Tj ET" if page else ""


def _file(objects: list[bytes]) -> bytes:
    parts, offsets, end = [b"%PDF-1.7\n"], [], 9
    for number, content in enumerate(objects, 1):
        offsets.append(end)
        parts.append(f"{number} 0 obj\n".encode() + content + b"\nendobj\n")
        end += len(parts[-1])
    parts.append(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    parts += [f"{offset:010d} 00000 n \n".encode() for offset in offsets]
    trailer = f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{end}\n%%EOF\n"
    return b"".join([*parts, trailer.encode()])


def object_stream_pdf(text: str, *, blank_megabytes: int = 0) -> bytes:
    """A PDF of one page whose objects are packed, as today's programs write them; with so many
    megabytes of blanks among them."""
    packed = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 4 0 R>>>>"
        b"/Contents 5 0 R>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    starts = [sum(len(one) + 1 for one in packed[:number]) for number in range(len(packed))]
    index = " ".join(f"{number} {start}" for number, start in enumerate(starts, 1)).encode() + b" "
    objects = _deflated(index + b" ".join(packed), blank_megabytes)
    page = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode("latin-1")
    body, offsets = b"%PDF-1.5\n", []
    for number, head, stream in (
        (5, b"", page),
        (6, b"/Type/ObjStm/N 4/First %d/Filter/FlateDecode" % len(index), objects),
    ):
        offsets.append(len(body))
        body += b"%d 0 obj\n" % number + _stream(head, stream) + b"\nendobj\n"
    offsets.append(len(body))
    rows = [(0, 0, 255), *[(2, 6, place) for place in range(4)], *[(1, at, 0) for at in offsets]]
    table = b"".join(bytes([kind]) + at.to_bytes(4, "big") + bytes([n]) for kind, at, n in rows)
    body += b"7 0 obj\n" + _stream(b"/Type/XRef/Size 8/W[1 4 1]/Root 1 0 R", table) + b"\nendobj\n"
    return body + b"startxref\n%d\n%%%%EOF\n" % offsets[-1]


def _stream(head: bytes, content: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n" % (head, len(content)) + content + b"\nendstream"


def _deflated(head: bytes, blank_megabytes: int) -> bytes:
    """`head` and then blanks, of which one megabyte is packed and repeated."""
    blanks = b" " * (1024 * 1024)
    first = zlib.compressobj(9)
    packed = first.compress(head) + first.flush(zlib.Z_FULL_FLUSH)
    block = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    repeated = block.compress(blanks) + block.flush(zlib.Z_FULL_FLUSH)
    check = zlib.adler32(head)
    for _ in range(blank_megabytes):
        check = zlib.adler32(blanks, check)
    return packed + repeated * blank_megabytes + b"\x03\x00" + check.to_bytes(4, "big")
