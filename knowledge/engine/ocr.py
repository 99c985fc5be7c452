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
SECONDS = 120  # for one picture
MOST_SECONDS = 240  # for all of one file; see limits.Limits.wall
TOO_SLOW = "Recognising its text took too long. Send it in parts, or smaller."
MISSING = "text recognition (OCR) is not installed here"
LANGUAGES = ("eng", "deu", "fra", "spa", "ita", "por", "nld", "ara", "rus", "tur", "jpn", "chi_sim")


class TooSlow(Unreadable):
    """It may be another time, on a machine that has less to do."""


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


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None


def require(reason: str) -> None:
    """Raises Unreadable, with the reason and what to do, where tesseract is not installed."""
    if not is_installed():
        raise Unreadable(f"{reason}, and {MISSING}.")


def text_of(bitmap: Bitmap, *, seconds: float = SECONDS) -> str:
    """Raises Unreadable, or TooSlow after so many seconds."""
    return recognised(_pgm(bitmap), seconds=seconds)


def _pgm(bitmap: Bitmap) -> bytes:
    """The simplest of all picture formats, so that no library need write another one."""
    pixels, width = bytes(bitmap.buffer), bitmap.width
    rows = b"".join(
        pixels[at : at + width] for at in range(0, bitmap.stride * bitmap.height, bitmap.stride)
    )
    return b"P5 %d %d 255\n" % (width, bitmap.height) + rows


def recognised(picture: bytes, *, seconds: float = SECONDS) -> str:
    """The text of a picture of any format that tesseract knows. Raises Unreadable."""
    command = [PROGRAM, "stdin", "stdout", "--dpi", str(DPI), "-l", _languages()]
    env = os.environ | {"OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(
            command,
            input=picture,
            capture_output=True,
            timeout=min(seconds, SECONDS),
            check=True,
            env=env,
        )
    except subprocess.TimeoutExpired as error:
        raise TooSlow(TOO_SLOW) from error
    except subprocess.CalledProcessError as error:
        raise Unreadable("This picture is damaged. Save it again and send the new file.") from error
    return done.stdout.decode("utf-8", errors="replace").replace("\f", "\n")


def _languages() -> str:
    listed = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, check=False, text=True)
    there = set(listed.stdout.split())
    return "+".join(one for one in LANGUAGES if one in there) or "eng"
