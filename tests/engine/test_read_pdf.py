"""PDFs: pages, paragraphs, and what to tell the owner of one that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_pdf import MOST_PAGES, pdf_pages
from tests.pdfs import pdf

LOCKED = Path(__file__).parent.parent / "data" / "locked.pdf"
HOSTILE = Path(__file__).parents[3] / "shared" / "corpus" / "hostile"
NEXT_LINE = ") Tj 0 -14 Td ("
# No page, and a tree of pages that says otherwise: PDFium refuses it without setting an error.
LYING = b"""%PDF-1.7
1 0 obj
<</Type/Catalog/Pages 2 0 R>>
endobj
2 0 obj
<</Type/Pages/Kids[]/Count 2000000000>>
endobj
xref
0 3
0000000000 65535 f\x20
0000000009 00000 n\x20
0000000054 00000 n\x20
trailer
<</Size 3/Root 1 0 R>>
startxref
109
%%EOF
"""


def pages_of(folder: Path, data: bytes) -> list[str]:
    path = folder / "a.pdf"
    path.write_bytes(data)
    return pdf_pages(path)[1]


def lines(*texts: str) -> str:
    return NEXT_LINE.join(texts)


def test_each_page_is_read_in_order_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    assert pages_of(tmp_path, pdf("One.", "", "Three.")) == ["One.", "", "Three."]


def test_lines_broken_by_the_margin_run_on(tmp_path: Path) -> None:
    page = lines("Parcels are sent on the day of the", "order and arrive after three days.")
    assert pages_of(tmp_path, pdf(page)) == [
        "Parcels are sent on the day of the order and arrive after three days."
    ]


def test_short_lines_and_ended_sentences_keep_their_line(tmp_path: Path) -> None:
    page = lines("Hours", "We open at nine in the morning.", "On Sundays the shop stays closed.")
    assert pages_of(tmp_path, pdf(page)) == [
        "Hours\nWe open at nine in the morning.\nOn Sundays the shop stays closed."
    ]


def test_a_word_hyphenated_at_a_lines_end_is_one_word(tmp_path: Path) -> None:
    page = lines("You may return all unworn goods with-", "in thirty days of the delivery.")
    assert "within thirty" in pages_of(tmp_path, pdf(page))[0]


def test_a_locked_pdf_asks_for_a_copy_without_a_password() -> None:
    with pytest.raises(Unreadable, match="password"):
        pdf_pages(LOCKED)


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="the corpus of hostile files is not here")
def test_a_pdf_locked_by_an_office_program_is_known_too() -> None:
    with pytest.raises(Unreadable, match="password"):
        pdf_pages(HOSTILE / "libreoffice-writer-password.pdf")


@pytest.mark.parametrize(
    "data",
    [
        pdf("Opening hours")[:90],
        pdf("Opening hours")[100:],
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + b"\x00" * 5000,
        LYING,
        pdf("x").replace(b"/Kids[4 0 R]", b"/Kids[2 0 R]"),
    ],
    ids=["cut", "headless", "nothing", "zeros", "lying", "loop"],
)
def test_a_damaged_pdf_is_called_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        pages_of(tmp_path, data)


def test_a_locked_file_before_does_not_lock_the_next_one(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="password"):
        pdf_pages(LOCKED)
    with pytest.raises(Unreadable, match="damaged"):
        pages_of(tmp_path, LYING)


def test_too_many_pages_are_refused_before_any_is_read(tmp_path: Path) -> None:
    page = b"4 0 R "
    data = pdf("x").replace(b"/Kids[4 0 R]/Count 1", b"/Kids[%s]/Count 10001" % (page * 10_001))
    with pytest.raises(Unreadable, match=f"{MOST_PAGES:,} pages"):
        pages_of(tmp_path, data)


def test_the_title_comes_from_the_files_own_data(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    data = pdf("One.").replace(b"/Helvetica", b"/Helvetica/Title(Returns )")
    path.write_bytes(data.replace(b"/Root 1 0 R", b"/Root 1 0 R/Info 3 0 R"))  # 3: the font
    assert pdf_pages(path)[0] == "Returns"
