"""Which encoding is a text in that has no mark? Its lines tell, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from charset_normalizer import from_bytes

from knowledge.engine.errors import Unreadable
from knowledge.engine.joined import as_utf8, is_utf8, joined
from knowledge.engine.language import language_of

SAMPLE_BYTES = 256 * 1024
# In a short text these are as likely as Windows' ones, and hardly anybody uses them any more.
OF_DOS_AND_MAC = re.compile(r"mac_|hp_|cp(1006|437|720|737|775|85\d|86\d|1125)$")
LEAST_LETTERS, LEAST_SHARE = 4, 0.33  # in UTF-8, and of the lines, in a file of two encodings
MOST_CHANCE = 0.02  # of the bytes beyond ASCII that are letters by chance; of Chinese it is a tenth
# Letters of one code page look no worse in another one, à as ŕ. The language tells whose they are.
WESTERN = "cp1252"
_LANGUAGES = {
    WESTERN: "ca da de en es fi fr ga gl is it nb nl nn no pt sv",
    "cp1250": "bs cs hr hu pl ro sk sl sr",
    "cp1251": "be bg mk ru uk",
    "cp1254": "az tr",
    "cp1255": "he iw yi",
    "cp1257": "et lt lv",
}
HOMES = {language: page for page, spoken in _LANGUAGES.items() for language in spoken.split()}
NEAR = 0.1  # how much less likely than the likeliest it may be, of 1
LAST_LATIN = "\u024f"
UNKNOWN = "The encoding of this text is unknown. Save it as UTF-8 and send it again."


@dataclass(slots=True)
class _Lines:
    """What is known of the lines that have letters beyond ASCII."""

    valid: int = 0  # lines of UTF-8
    letters: int = 0  # in these
    old: int = 0  # lines of another encoding
    accidental: int = 0  # what would be letters in these, were they UTF-8
    broken: int = 0  # what would be none
    sample: bytearray = field(default_factory=bytearray)  # of the old ones

    def add(self, block: bytes) -> None:
        """Mostly all lines of a block are of one kind: each by itself would take ten times as
        long."""
        lines = [line for line in block.splitlines(keepends=True) if not line.isascii()]
        _, letters, broken = as_utf8(block)
        if letters and broken:
            for line in lines:
                self._add(*as_utf8(line)[1:], [line])
        elif lines:
            self._add(letters, broken, lines)

    def _add(self, letters: int, broken: int, lines: list[bytes]) -> None:
        if is_utf8(letters, broken):
            self.valid += len(lines)
            self.letters += letters
            return
        self.old += len(lines)
        self.broken += broken
        self.accidental += letters
        if len(self.sample) < SAMPLE_BYTES:
            self.sample += b"".join(lines)

    def are_joined(self) -> bool:
        """Short lines of Chinese or Thai in an older encoding are valid UTF-8 by chance now and
        then; but then so are some letters of the others."""
        if self.letters < LEAST_LETTERS:
            return False
        share = self.valid / (self.valid + self.old)
        return share >= LEAST_SHARE or self.accidental + 1 <= MOST_CHANCE * self.broken

    def are_mostly_utf8(self) -> bool:
        return is_utf8(self.letters + self.accidental, self.broken)


def encoding_of_lines(blocks: Iterable[bytes]) -> str:
    """The encoding of a text that comes in blocks of whole lines. Raises Unreadable."""
    lines = _Lines()
    for block in blocks:
        if not block.isascii():
            lines.add(block)
    if not lines.old:
        return "utf-8"
    older = _older(bytes(lines.sample[:SAMPLE_BYTES]))
    if older is not None and lines.are_joined():
        return joined(older)
    if lines.are_mostly_utf8():
        return "utf-8"
    if older is None:
        raise Unreadable(UNKNOWN)
    return older


def _older(sample: bytes) -> str | None:
    found = list(from_bytes(sample))  # best first
    likely = [one for one in found if one.chaos <= found[0].chaos]
    best = next((one for one in likely if not OF_DOS_AND_MAC.match(one.encoding)), None)
    best = best or next(iter(likely), None)
    if best is None:
        return None
    near = [one for one in found if one.chaos <= best.chaos + NEAR]
    for one in near:
        if HOMES.get(language_of(str(one))) == one.encoding:
            return one.encoding
    western = WESTERN in {one.encoding for one in near} and _is_latin(str(best))
    return WESTERN if western else best.encoding


def _is_latin(text: str) -> bool:
    return all(letter <= LAST_LATIN for letter in text if letter.isalpha())
