"""Which language is a text in? By CLD2, which needs no model beside its wheel and says when
it does not know."""

from __future__ import annotations

import pycld2

SAMPLE_CHARACTERS = 20_000


def language_of(text: str) -> str:
    """Its ISO 639 code ("de", "zh-Hant"), or "" where the detector is not sure."""
    sample = text[:SAMPLE_CHARACTERS].encode("utf-8", errors="ignore")
    printable = sample.decode("utf-8")
    try:
        reliable, _, found = pycld2.detect("\n".join(map(_printable, printable.split("\n"))))
    except pycld2.error:
        return ""
    code = str(found[0][1])
    return code if reliable and code != "un" else ""


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(filter(str.isprintable, line))
