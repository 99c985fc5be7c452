"""Small PDFs, written by hand."""

from __future__ import annotations

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
