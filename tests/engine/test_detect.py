"""What a file's name promises, and what its first bytes say to that."""

from __future__ import annotations

import random

import pytest

from knowledge.engine.detect import HEAD_BYTES, WrongType, format_of
from knowledge.engine.formats import BY_SUFFIX

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8"
ZIP = b"PK\x03\x04\x14\x00\x06\x00\x08\x00"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"


@pytest.mark.parametrize(
    ("name", "head", "found"),
    [
        ("notes.txt", b"Opening hours", "text"),
        ("NOTES.TXT", b"Opening hours", "text"),
        ("Read Me.Md", b"# Opening hours", "markdown"),
        ("page.HTM", b"<p>Opening hours", "html"),
        ("Report.PDF", PDF, "pdf"),
        ("v1.2.notes.log", b"Opening hours", "text"),
        ("../../etc/passwd.txt", b"Opening hours", "text"),
    ],
)
def test_the_suffix_tells_the_format_whatever_its_case(name: str, head: bytes, found: str) -> None:
    assert format_of(name, head) == found


@pytest.mark.parametrize("name", ["README", "", ".txt", "a.", "invoice.pdf.exe", "film.mp4"])
def test_a_name_without_a_known_suffix_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(WrongType) as caught:
        format_of(name, b"Opening hours")
    assert all(suffix in str(caught.value) for suffix in BY_SUFFIX)


@pytest.mark.parametrize(
    ("name", "head", "told"),
    [
        ("photo.pdf", PNG, "this is an image"),
        ("photo.txt", PNG, "this is an image"),
        ("photo.html", b"\xff\xd8\xff\xe0\x00\x10JFIF", "this is an image"),
        ("setup.txt", EXE, "this is a program"),
        ("setup.pdf", EXE, "this is a program"),
        ("letter.md", ZIP, "this is a ZIP or Office file"),
        ("manual.txt", PDF, "this is a PDF"),
        ("manual.pdf", b"Opening hours", "this is no PDF"),
        ("memory.txt", bytes(range(256)) * 4, "this is no text"),
    ],
)
def test_a_renamed_file_is_refused_by_what_it_is(name: str, head: bytes, told: str) -> None:
    with pytest.raises(WrongType, match=told):
        format_of(name, head)


def test_random_bytes_are_no_text() -> None:
    for seed in range(50):
        with pytest.raises(WrongType):
            format_of("a.txt", random.Random(seed).randbytes(HEAD_BYTES))


def test_a_pdf_may_begin_after_a_little_rubbish_but_not_anywhere() -> None:
    assert format_of("a.pdf", b"\r\n" * 500 + PDF) == "pdf"
    with pytest.raises(WrongType):
        format_of("a.pdf", b"\r\n" * 1000 + PDF)


def test_an_empty_file_is_left_for_the_reader_to_refuse() -> None:
    assert format_of("a.txt", b"") == "text"


@pytest.mark.parametrize(
    "text",
    [
        "Доставка занимает три дня.",
        "Παράδοση σε τρεις ημέρες.",
        "Zażółć gęślą jaźń.",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_text_of_any_script_with_a_byte_order_mark_is_text(text: str, encoding: str) -> None:
    assert format_of("a.txt", text.encode(encoding)) == "text"


@pytest.mark.parametrize(
    "head",
    [
        b"MZ made motorcycles in Zschopau.",
        b"page one\x0cpage two\x0cpage three",
        b"\x1b[32mall tests passed\x1b[0m",
        b"old\x00export\x00with\x00fields",
        "Grüße aus Köln".encode("latin-1"),
    ],
)
def test_texts_that_only_look_odd_are_let_in(head: bytes) -> None:
    assert format_of("a.txt", head) == "text"


def test_utf_16_without_a_mark_is_text() -> None:
    assert format_of("a.txt", "Opening hours, nine to five".encode("utf-16-le")) == "text"
