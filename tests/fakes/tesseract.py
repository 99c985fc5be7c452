"""Stands in for the program tesseract: it is put before all others on PATH.

It says of a picture how grey it is; so what comes out tells which page went in. With anything else
on a page, such as a stamp in letters, it cannot read that.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from knowledge.engine.reading_processes import end_idle

BLANK = 255  # white: there is no text
BROKEN = 254  # the program fails
PROGRAM = """#!{python}
import sys
if "--list-langs" in sys.argv:
    print("eng")
    sys.exit()
assert sys.argv[1:3] == ["stdin", "stdout"], sys.argv
kind, width, height, most, *_ = (data := sys.stdin.buffer.read()).split(maxsplit=4)
assert (kind, most) == (b"P5", b"255"), data[:30]
pixels = data[-int(width) * int(height):]
grey = pixels[len(pixels) // 2 + int(width) // 2]
if grey == {broken}:
    sys.exit("cannot read this")
if set(pixels) != {{grey}}:
    sys.exit("there is more on this page")
print("" if grey == {blank} else f"Words that were scanned in grey {{grey}}.", end="\\f")
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on files are read on a machine that has tesseract."""
    folder.mkdir()
    program = folder / "tesseract"
    text = PROGRAM.format(python=sys.executable, blank=BLANK, broken=BROKEN)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    end_idle()  # servers that were started before know another PATH


def remove(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on files are read on a machine that has none."""
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    end_idle()
