"""PDFs: pages, paragraphs, and what to tell the owner of one that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_pdf import MOST_PAGES, read_pdf
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
    return list(read_pdf(path).parts)


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
        read_pdf(LOCKED)


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="the corpus of hostile files is not here")
def test_a_pdf_locked_by_an_office_program_is_known_too() -> None:
    with pytest.raises(Unreadable, match="password"):
        read_pdf(HOSTILE / "libreoffice-writer-password.pdf")


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
        read_pdf(LOCKED)
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
    assert read_pdf(path).title == "Returns"


NEXT_CELL = ") Tj 120 0 Td ("
NEXT_ROW = ") Tj -240 -20 Td ("
LARGE = ") Tj /F1 24 Tf ("
NORMAL = ") Tj /F1 12 Tf 0 -40 Td ("


def test_cells_that_stand_apart_are_a_table_with_its_header(tmp_path: Path) -> None:
    rows = [("SKU", "Name", "Price"), ("A-1", "Blue shirt", "19.90"), ("A-2", "Red shirt", "24.90")]
    page = NEXT_ROW.join(NEXT_CELL.join(row) for row in rows)
    assert pages_of(tmp_path, pdf(page)) == [
        "| SKU | Name | Price |\n| --- | --- | --- |\n"
        "| A-1 | Blue shirt | 19.90 |\n| A-2 | Red shirt | 24.90 |"
    ]


def test_what_every_page_repeats_is_left_out(tmp_path: Path) -> None:
    facts = ["Shirts are blue.", "Shoes are red.", "Hats are green.", "Coats are grey."]
    pages = [
        lines("ACME Limited, confidential", fact, f"Page {number} of 4")
        for number, fact in enumerate(facts, 1)
    ]
    assert pages_of(tmp_path, pdf(*pages)) == facts


def test_pages_that_differ_only_by_a_number_keep_it(tmp_path: Path) -> None:
    pages = [f"Voucher for entry number {number}" for number in range(5)]
    assert pages_of(tmp_path, pdf(*pages)) == pages


def test_larger_letters_are_a_heading(tmp_path: Path) -> None:
    body = lines(*["We take back whatever you do not like, and pay for the parcel."] * 6)
    page = f"{LARGE}Returns{NORMAL}{body}"
    assert pages_of(tmp_path, pdf(page))[0].startswith("# Returns\n\nWe take back")


def test_items_begin_lines_of_their_own(tmp_path: Path) -> None:
    page = lines("1. Pack the shoes into the box that they came in.", "2. Send them.", "3. Wait.")
    assert pages_of(tmp_path, pdf(page))[0].split("\n")[1:] == ["2. Send them.", "3. Wait."]
