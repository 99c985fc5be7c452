"""Files that mean no good, or look odd: what a client may send, by intent or by accident.

They are made here, so that they are there wherever the tests run; the corpus, where it is laid
beside the project, adds its own.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.engine.made_files import W, docx, paragraph, xlsx, zipped
from tests.pdfs import object_stream_pdf, pdf

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
LOCKED = Path(__file__).parent / "data" / "locked.pdf"
MEGABYTE = 1024 * 1024
REFUSED, FAILED, READY, UNPACKED = "refused", "failed", "ready", "unpacked"

PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)
PROGRAM = b"MZ\x90\x00" + b"\x90" * 4000
EXTERNAL = '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]>"
)
MACRO = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 Sub AutoOpen() : Shell evil"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file, what becomes of it, and what is said: words of the reason, or of what was read."""

    name: str
    content: bytes
    ends: str
    words: str


def made() -> Iterator[Hostile]:
    yield from _refused()
    yield from _pdfs()
    yield from _archives()
    yield from _offices()
    yield from _texts()


def _refused() -> Iterator[Hostile]:
    yield Hostile("nothing.txt", b"", REFUSED, "is empty")
    yield Hostile("photo.pdf", PNG, REFUSED, "this is an image")
    yield Hostile("program.docx", PROGRAM, REFUSED, "this is a program")
    yield Hostile("noise.bin", bytes(range(256)) * 8, REFUSED, "cannot be read")
    bomb = gzip.compress(bytes(50 * MEGABYTE))
    yield Hostile("page.html.gz", bomb, REFUSED, "packed with gzip")
    yield Hostile("page.html", bomb, REFUSED, "this is a compressed file")


def _pdfs() -> Iterator[Hostile]:
    page = pdf("Opening hours")
    yield Hostile("cut.pdf", page[:90], FAILED, "damaged")
    loop = page.replace(b"/Kids[4 0 R]", b"/Kids[2 0 R]")
    yield Hostile("loop.pdf", loop, FAILED, "damaged")
    lie = page.replace(b"/Kids[4 0 R]/Count 1", b"/Kids[]/Count 2000000000")
    yield Hostile("lie.pdf", lie, FAILED, "damaged")
    yield Hostile("locked.pdf", LOCKED.read_bytes(), FAILED, "has a password")
    yield Hostile("picture.pdf", pdf(""), FAILED, "no text")
    yield Hostile("objects.pdf", object_stream_pdf("Two years of warranty."), READY, "Two years")
    bomb = object_stream_pdf("Two years of warranty.", blank_megabytes=1_200)
    yield Hostile("object-bomb.pdf", bomb, FAILED, "too much memory")
    pages = pdf(*[f"Rule {number} of the house." for number in range(10_000)])
    yield Hostile("long.pdf", pages, READY, "Rule 9999 of the house.")


def _archives() -> Iterator[Hostile]:
    yield Hostile("bomb.zip", zipped({"a.txt": b"0" * 250_000_000}), FAILED, "unpacks to far more")
    inner = zipped({"a.txt": "deep"})
    for depth in range(40):
        inner = zipped({f"level{depth}.zip": inner})
    yield Hostile("nested.zip", inner, FAILED, "A ZIP within a ZIP is not opened")
    many: dict[str, str | bytes] = {f"{number}.txt": "x" for number in range(2_000)}
    yield Hostile("many.zip", zipped(many), FAILED, "more than 1,000 files")
    out = {
        "../../../../escaped.txt": "Got out.",
        "/escaped.txt": "Got out.",
        "delivery.txt": "Two days.",
    }
    yield Hostile("escape.zip", zipped(dict(out)), UNPACKED, "leads out of the archive")


def _offices() -> Iterator[Hostile]:
    document = f'<w:document xmlns:w="{W}"><w:body>{{}}</w:body></w:document>'
    for name, entity, kind, words in (
        ("xxe.docx", "&e;", EXTERNAL, "entities of its own"),
        ("laughs.docx", "&j;", LAUGHS, "damaged"),
    ):
        xml = kind + document.format(paragraph(entity))
        parts = {"[Content_Types].xml": "<Types/>", "word/document.xml": xml}
        yield Hostile(name, zipped(dict(parts)), FAILED, words)
    feed = f"<?xml version='1.0'?>{EXTERNAL}<rss><channel><title>&e;</title></channel></rss>"
    yield Hostile("xxe.rss", feed.encode(), FAILED, "entities of its own")
    cells = '<row r="1"><c r="A1"><v>1</v></c></row>'
    cells += '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    yield Hostile("cells.xlsx", xlsx(cells=cells), FAILED, "too much memory")
    letter = docx(paragraph("We open at nine."), **{"vbaProject.bin": MACRO.decode("latin-1")})
    yield Hostile("macros.docm", letter, READY, "We open at nine.")


def _texts() -> Iterator[Hostile]:
    picture = b'<img src="data:image/png;base64,' + b"iVBORw0KGgo" * 450_000 + b'">'
    line = b"<p>Sixty days.</p>" + picture + b"<p>Then it is yours.</p>"  # 5 MB of it
    yield Hostile("line.html", line, READY, "Then it is yours.")
    yield Hostile(
        "nul.txt", b"opening\x00hours\x00nine to five\n" * 50, READY, "hours nine to five"
    )
    joined = "Grüße aus Köln.\n".encode() * 9 + "Öffnungszeiten: täglich.\n".encode("cp1252") * 9
    yield Hostile("joined.txt", joined, READY, "Köln.\nÖffnungszeiten: täglich.")
    chinese = "本店每天上午九点开门。\n" * 9
    yield Hostile("chinese.txt", chinese.encode("gb18030"), READY, "上午九点")
    yield Hostile("thai.txt", ("ร้านเปิดทุกวัน\n" * 9).encode(), READY, "ร้านเปิดทุกวัน")
    yield Hostile("arabic.txt", "يفتح المتجر يوميا".encode("utf-16"), READY, "يفتح المتجر")
    deep = b"<div>" * 200_000 + b"deep" + b"</div>" * 200_000
    yield Hostile("deep.html", deep, FAILED, "no text")
    script = b"<h1>Returns</h1><script>alert(1)</script><p>Thirty days.<img src=x onerror=alert(2)>"
    yield Hostile("script.html", script, READY, "Thirty days.")
    formula = b'product,price\n=HYPERLINK("http://evil.example"),9\nShirt,19.90\n'
    yield Hostile("formula.csv", formula, READY, "| Shirt | 19.90 |")


def of_corpus(folder: Path) -> dict[str, bytes]:
    """The corpus's hostile files by their names, with those that it makes; none where it is not.

    Without a line of 5 MB that takes a minute to embed and is no more than long.
    """
    made_there = [path for path in sorted(folder.iterdir()) if path.name != "one-line-5mb.txt"]
    kept = sorted((CORPUS / "hostile").iterdir()) if CORPUS.is_dir() else []
    return {path.name: path.read_bytes() for path in made_there + kept}


def make_odd_files(folder: Path) -> None:
    """Those of the corpus that are too large or too odd to keep; none where it is not."""
    if CORPUS.is_dir():
        script = CORPUS / "make_hostile.py"
        subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True)
