"""Pictures of text: a photographed price list, a scanned letter."""

from __future__ import annotations

from pathlib import Path

from knowledge.engine import ocr
from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable

MOST_BYTES = 50 * 1024 * 1024


def read_image(path: Path) -> Draft:
    ocr.require("The text in this picture cannot be read: it is an image")
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable("This picture is too large. Save it smaller and send that.")
    text = ocr.recognised(path.read_bytes())
    if not text.strip():
        raise Unreadable("There is no text in this picture.")
    return Draft([text], plain=True)
