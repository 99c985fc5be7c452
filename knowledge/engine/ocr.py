"""Text of pictures by tesseract, which runs as a program of its own where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Protocol

from knowledge.engine.errors import Unreadable

PROGRAM = "tesseract"
DPI = 200
MOST_PAGES = 50
MOST_PIXELS = 60_000_000
SECONDS = 120
LANGUAGES = ("eng", "deu", "fra", "spa", "ita", "por", "nld", "ara", "rus", "tur", "jpn", "chi_sim")


class Bitmap(Protocol):
    """Grey pixels, a byte each, in rows of `stride` bytes."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def stride(self) -> int: ...
    @property
    def buffer(self) -> memoryview: ...


def require(reason: str) -> None:
    """Raises Unreadable, with the reason and what to do, where tesseract is not installed."""
    if shutil.which(PROGRAM) is None:
        raise Unreadable(f"{reason}, and text recognition (OCR) is not installed here.")


def text_of(bitmap: Bitmap) -> str:
    if bitmap.width * bitmap.height > MOST_PIXELS:
        raise Unreadable("A page of this scan is far too large. Scan it with 300 dots per inch.")
    return recognised(_pgm(bitmap))


def _pgm(bitmap: Bitmap) -> bytes:
    """The simplest of all picture formats, so that no library need write another one."""
    pixels, width = bytes(bitmap.buffer), bitmap.width
    rows = b"".join(
        pixels[at : at + width] for at in range(0, bitmap.stride * bitmap.height, bitmap.stride)
    )
    return b"P5 %d %d 255\n" % (width, bitmap.height) + rows


def recognised(picture: bytes) -> str:
    """The text of a picture of any format that tesseract knows. Raises Unreadable."""
    command = [PROGRAM, "stdin", "stdout", "--dpi", str(DPI), "-l", _languages()]
    env = os.environ | {"OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(
            command, input=picture, capture_output=True, timeout=SECONDS, check=True, env=env
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable("Recognising the text of this picture took too long.") from error
    except subprocess.CalledProcessError as error:
        raise Unreadable("This picture is damaged. Save it again and send the new file.") from error
    return done.stdout.decode("utf-8", errors="replace").replace("\f", "\n")


def _languages() -> str:
    listed = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, check=False, text=True)
    there = set(listed.stdout.split())
    return "+".join(one for one in LANGUAGES if one in there) or "eng"
