"""Reading in a process of its own: what comes out, and what a hostile file cannot do."""

from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from knowledge.engine.errors import Unreadable
from knowledge.engine.limits import MEGABYTE, Limits
from knowledge.engine.read import read
from knowledge.engine.reading_processes import ServerGone, end_idle
from knowledge.engine.sandbox import reading
from knowledge.engine.split import split
from tests.engine.made_files import docx, paragraph, xlsx
from tests.pdfs import pdf

SMALL = Limits(memory=150 * MEGABYTE)
RULE = "Whoever bought shoes may send them back within sixty days. "
GUIDE = (
    "# Returns\n\nWe take back what does not fit you, and pay for the parcel.\n\n"
    + "\n\n".join(f"## Case {number}\n\n{RULE * 12}" for number in range(40))
)


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    path = tmp_path / "guide"
    path.write_text(GUIDE, encoding="utf-8")
    return path


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """More than the pipe holds: its process waits for somebody to listen."""
    path = tmp_path / "long"
    path.write_text("word " * 100_000)
    return path


def test_the_passages_are_those_of_reading_here(guide: Path) -> None:
    with reading(guide, "markdown") as text:
        assert (text.title, text.language) == ("Returns", "en")
        assert list(text.pieces) == list(split(read(guide, "markdown")))


def test_passages_that_are_there_already_are_left_out(guide: Path) -> None:
    whole = list(split(read(guide, "markdown")))
    with reading(guide, "markdown", skip=30) as text:
        assert list(text.pieces) == whole[30:]


def test_the_files_name_stands_in_for_a_title(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("Nine to five.")
    with reading(tmp_path / "a", "text", title="hours") as text:
        assert [piece.heading for piece in text.pieces] == ["hours"]


def test_who_stops_listening_leaves_nobody_behind(long: Path) -> None:
    before = children()
    with reading(long, "text") as text:
        next(text.pieces)
        assert len(children()) == len(before) + 1
    assert children() == before


def test_the_next_file_is_read_by_another_process_of_the_same_server(long: Path) -> None:
    found = []
    for _ in range(2):
        with reading(long, "text"):
            (child,) = children()
            found.append((child, psutil.Process(child).ppid()))
    (one, server), (other, same) = found
    assert one != other
    assert server == same


def test_two_files_at_once_have_a_server_each(long: Path) -> None:
    with reading(long, "text") as first, reading(long, "text") as second:
        assert len({psutil.Process(child).ppid() for child in children()}) == 2
        assert list(second.pieces) == list(first.pieces)


def test_a_killed_server_is_replaced(guide: Path) -> None:
    for _ in range(3):
        with reading(guide, "markdown") as text:
            assert len(list(text.pieces)) > 30
        for server in servers():
            server.kill()


def test_a_file_whose_server_is_killed_is_not_called_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("* item *with* marks\n" * 40_000)

    def kill() -> None:
        for server in servers():
            server.kill()

    with pytest.raises(ServerGone), reading(tmp_path / "a", "rst", beat=kill):
        pass
    with reading(tmp_path / "a", "text") as text:
        assert next(text.pieces).text


def test_a_reason_comes_through(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pdf("x")[:90])
    with pytest.raises(Unreadable, match="damaged"), reading(tmp_path / "a", "pdf"):
        pass


def test_what_takes_too_long_is_ended(guide: Path) -> None:
    began, before = time.monotonic(), children()
    limits = replace(Limits(), wall=0)
    with pytest.raises(Unreadable, match="too long"), reading(guide, "markdown", limits=limits):
        pass
    assert time.monotonic() - began < 5
    assert children() == before


def test_what_computes_without_end_is_ended(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("* item *with* marks\n" * 40_000)
    limits = replace(Limits(), cpu=1)
    with pytest.raises(Unreadable, match="too long"), reading(tmp_path / "a", "rst", limits=limits):
        pass


def test_while_it_takes_time_the_caller_is_heard_of(tmp_path: Path) -> None:
    class Lost(Exception):
        pass

    def beat() -> None:
        raise Lost

    (tmp_path / "a").write_text("* item *with* marks\n" * 40_000)
    before = children()
    with pytest.raises(Lost), reading(tmp_path / "a", "rst", beat=beat):
        pass
    assert children() == before


def billion_cells() -> bytes:
    """Two cells, at the first and at the last place of the sheet."""
    cells = '<row r="1"><c r="A1"><v>1</v></c></row>'
    cells += '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    return xlsx(cells=cells)


@pytest.mark.parametrize(
    ("file_format", "data"),
    [
        ("html", b"words " * 40_000_000),
        ("xlsx", billion_cells()),
        ("docx", docx(paragraph("a ") * 1_000_000)),
        ("json", b'{"a": [' + b"[1]," * 8_000_000 + b"1]}"),
    ],
    ids=["html", "cells", "paragraphs", "lists"],
)
def test_what_needs_too_much_memory_costs_only_its_own_process(
    tmp_path: Path, file_format: str, data: bytes
) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with (
        pytest.raises(Unreadable, match=r"memory|far more"),
        reading(path, file_format, limits=SMALL),
    ):
        pass


@pytest.mark.parametrize(
    ("file_format", "line"),
    [
        ("text", RULE.encode() + b"\n"),
        ("text", "Größere Beträge.\n".encode() + "Größere Beträge.\n".encode("cp1252")),
        ("csv", f"shoes,green,60 days,{'as new ' * 40}\n".encode()),
    ],
    ids=["plain", "joined", "table"],
)
def test_a_long_text_needs_no_more_memory_than_a_short_one(
    tmp_path: Path, file_format: str, line: bytes
) -> None:
    head = b"item,colour,back,paid\n" if file_format == "csv" else b""
    with (tmp_path / "a").open("wb") as file:
        file.write(head)
        for _ in range(18):
            file.write(line * (2_000_000 // len(line)))
    limits = Limits(memory=80 * MEGABYTE)
    with reading(tmp_path / "a", file_format, limits=limits) as text:
        assert text.is_long
        count = sum(1 for _ in text.pieces)
    assert count > 36_000_000 / 1100


@pytest.mark.parametrize("file_format", ["csv", "tsv", "json", "xlsx"])
def test_a_cell_of_five_megabytes_is_read(tmp_path: Path, file_format: str) -> None:
    cell = " ".join(f"Rule {number} of the house." for number in range(200_000)) + " The end."
    (tmp_path / "a").write_bytes(with_cell(file_format, cell))
    limits = Limits(memory=200 * MEGABYTE)
    with reading(tmp_path / "a", file_format, limits=limits) as text:
        read_text = " ".join(piece.text for piece in text.pieces)
    assert len(cell) > 5_000_000
    for words in ("Rule 0 of", "Rule 100000 of", "The end.", "linen"):
        assert words in read_text


def with_cell(file_format: str, cell: str) -> bytes:
    rows = [("Item", "Rules"), ("shoes", cell), ("coats", "linen")]
    if file_format == "xlsx":
        return xlsx(*rows)
    if file_format == "json":
        return json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]).encode()
    delimiter = "\t" if file_format == "tsv" else ","
    return "".join(f'{name}{delimiter}"{text}"\n' for name, text in rows).encode()


def test_a_quotation_mark_without_its_pair_is_refused_in_a_long_table(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'Item,Days\nshoes,"60\n' + b"coats,30\n" * 4_000_000)
    with pytest.raises(Unreadable, match="does not end"), reading(tmp_path / "a", "csv"):
        pass


def test_the_reading_process_knows_no_secret(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_idle()
    monkeypatch.setenv("SECRET_KEY", "of the site")
    before = set(children())
    with reading(long, "text"):
        (child,) = set(children()) - before
        known = Path(f"/proc/{child}/environ").read_bytes()
    assert b"of the site" not in known
    assert b"SECRET_KEY" not in known and b"DJANGO" not in known


def test_limits_hold_for_whatever_the_process_starts(long: Path) -> None:
    before = set(children())
    with reading(long, "text"):
        (child,) = set(children()) - before
        assert resource.prlimit(child, resource.RLIMIT_DATA)[1] == Limits().memory
        assert resource.prlimit(child, resource.RLIMIT_CORE) == (0, 0)
        assert os.getsid(child) == child


def children() -> list[int]:
    """Those that read, by their ids: their parents are this process's reading servers."""
    return sorted(child.pid for server in servers() for child in server.children())


def servers() -> list[psutil.Process]:
    below = psutil.Process().children()
    return [one for one in below if "knowledge.engine.reading_server" in one.cmdline()]
