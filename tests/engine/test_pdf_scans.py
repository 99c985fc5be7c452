"""PDFs whose pages are pictures: read where there is OCR, and where there is none, said plainly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pypdfium2 import PdfDocument

from knowledge.engine import ocr
from knowledge.engine.errors import Unreadable
from knowledge.engine.pdf_lines import Cell, Line
from knowledge.engine.pdf_scans import recognised
from knowledge.engine.read_pdf import read_pdf
from knowledge.engine.reading_processes import end_idle
from knowledge.engine.sandbox import reading
from tests.fakes import tesseract
from tests.pdfs import Picture, pdf

TEXT = "Whoever bought shoes may send them back within sixty days, in their box."
STAMP = "Scanned with CamScanner"


@pytest.fixture
def with_ocr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tesseract.install(tmp_path / "bin", monkeypatch)
    yield
    end_idle()


@pytest.fixture
def without_ocr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tesseract.remove(tmp_path / "bin", monkeypatch)
    yield
    end_idle()


def read(folder: Path, *pages: str | Picture) -> tuple[list[str], str]:
    """The text of each page, and what is noted."""
    path = folder / "a.pdf"
    path.write_bytes(pdf(*pages))
    draft = read_pdf(path)
    return list(draft.parts), draft.note


def scanned(grey: int) -> str:
    return f"Words that were scanned in grey {grey}."


# --- Where tesseract is installed ----------------------------------------------------------


@pytest.mark.usefixtures("with_ocr")
def test_a_scan_becomes_passages_of_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(Picture(40), Picture(80)))
    with reading(path, "pdf") as text:
        pieces = list(text.pieces)
        assert text.note == ""
    assert [piece.text for piece in pieces] == [f"{scanned(40)}\n\n{scanned(80)}"]
    assert [number for _, number in pieces[0].pages] == [1, 2]


@pytest.mark.usefixtures("with_ocr")
def test_scanned_pages_among_others_are_read_in_their_places(tmp_path: Path) -> None:
    pages: list[str | Picture] = [Picture(10), TEXT, "", Picture(20), TEXT, Picture(30)]
    assert read(tmp_path, *pages) == ([scanned(10), TEXT, "", scanned(20), TEXT, scanned(30)], "")


@pytest.mark.usefixtures("with_ocr")
@pytest.mark.parametrize("count", [2, 3, 5])
def test_what_an_app_stamps_on_each_page_hides_no_scan(tmp_path: Path, count: int) -> None:
    greys = range(10, 10 + count)
    found, note = read(tmp_path, *(Picture(grey, STAMP) for grey in greys))
    assert found == [scanned(grey) for grey in greys]
    assert note == ""


@pytest.mark.usefixtures("with_ocr")
def test_a_few_words_on_a_picture_are_kept_with_what_is_in_it(tmp_path: Path) -> None:
    found, _ = read(tmp_path, Picture(10, "Blue shirt, 19.90"), Picture(20, "Red shirt, 24.90"))
    assert found == [f"Blue shirt, 19.90\n\n{scanned(10)}", f"Red shirt, 24.90\n\n{scanned(20)}"]


@pytest.mark.usefixtures("with_ocr")
def test_a_page_of_text_is_not_recognised_for_a_picture_on_it(tmp_path: Path) -> None:
    behind, beside = Picture(10, TEXT), Picture(20, "Ask us.", share=0.3)
    assert read(tmp_path, behind, beside) == ([TEXT, "Ask us."], "")


@pytest.mark.usefixtures("with_ocr")
def test_a_scan_without_any_text_is_not_ready(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(*[Picture(tesseract.BLANK, STAMP)] * 3))
    with pytest.raises(Unreadable, match="no text"), reading(path, "pdf"):
        pass


@pytest.mark.usefixtures("with_ocr")
def test_one_page_that_cannot_be_recognised_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, Picture(10), Picture(tesseract.BROKEN), Picture(20))
    note = "Page 2 is a picture. Its text could not be read."
    assert found == ([scanned(10), "", scanned(20)], note)
    with pytest.raises(Unreadable, match="damaged"):
        read(tmp_path, Picture(tesseract.BROKEN), Picture(tesseract.BROKEN))


@pytest.mark.usefixtures("with_ocr")
def test_only_so_many_pages_are_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(*[Picture(10)] * (ocr.MOST_PAGES + 1)))
    with pytest.raises(Unreadable, match=r"of more than 50 pages\. Send it in parts"):
        read_pdf(path)
    path.write_bytes(pdf(TEXT, *[Picture(10)] * (ocr.MOST_PAGES + 1)))
    draft = read_pdf(path)
    assert list(draft.parts) == [TEXT, *[scanned(10)] * ocr.MOST_PAGES, ""]
    assert draft.note == (
        "Page 52 is a picture. Its text could not be read: there are more than 50 of them. "
        "Send it in parts."
    )


@pytest.mark.usefixtures("with_ocr")
def test_when_recognising_takes_too_long_none_of_it_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(TEXT, Picture(10), Picture(20)))
    kept = [[Line([Cell(TEXT, 50, 400)], 700, 712, 12)], [], []]
    with closing(PdfDocument(tmp_path / "a.pdf")) as document:
        found = recognised(document, [1, 2], kept, seconds=0)
        with pytest.raises(ocr.TooSlow, match="too long"):
            recognised(document, [1, 2], [[], [], []], seconds=0)
    assert found.texts == {}
    assert found.note == (
        "Pages 2–3 are pictures. Their text could not be read, for it would take too long. "
        "Send it in parts."
    )


# --- Where it is not -----------------------------------------------------------------------


@pytest.mark.usefixtures("without_ocr")
@pytest.mark.parametrize(
    "pages",
    [
        [Picture(10)],
        [Picture(10, STAMP)],
        [Picture(10, STAMP), Picture(20, STAMP)],
        [Picture(10, STAMP), Picture(20, STAMP), Picture(30, STAMP)],
        [Picture(number, f"Page {number} of 9, scanned") for number in range(9)],
        [Picture(10, STAMP), ""],
    ],
    ids=["bare", "one", "two", "three", "numbered", "blank"],
)
def test_a_scan_says_that_there_is_no_ocr(tmp_path: Path, pages: list[str | Picture]) -> None:
    with pytest.raises(Unreadable, match=r"\(a scan\), and text recognition \(OCR\) is not"):
        read(tmp_path, *pages)


@pytest.mark.usefixtures("without_ocr")
def test_pages_that_could_not_be_read_are_named(tmp_path: Path) -> None:
    pages: list[str | Picture] = [
        Picture(10),
        TEXT,
        Picture(20, STAMP),
        Picture(30, STAMP),
        "",
        Picture(40),
    ]
    assert read(tmp_path, *pages) == (
        ["", TEXT, "", "", "", ""],
        "Pages 1, 3–4, 6 are pictures. Their text could not be read: "
        "text recognition (OCR) is not installed here.",
    )


@pytest.mark.usefixtures("without_ocr")
def test_a_list_of_pages_is_no_longer_than_its_place(tmp_path: Path) -> None:
    _, note = read(
        tmp_path, *[page for grey in range(40) for page in (f"Case {grey}. {TEXT}", Picture(grey))]
    )
    assert "Pages 2, 4, 6, 8, 10, 12, 14, 16 and 32 more are pictures" in note
    assert len(note) < 300


@pytest.mark.usefixtures("without_ocr")
@pytest.mark.parametrize("page", [TEXT, Picture(10, TEXT), ""])
def test_nothing_is_noted_of_a_page_that_was_read(tmp_path: Path, page: str | Picture) -> None:
    assert read(tmp_path, TEXT, page, "Ask us.")[1] == ""
