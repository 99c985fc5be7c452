"""ZIP archives: which members become documents, and which archives are refused as a whole."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from knowledge.engine.archive import MOST_DIRECTORY_BYTES, MOST_MEMBERS, Member, members, safe_name
from knowledge.engine.errors import Unreadable
from tests.engine.made_files import zipped


def found_in(path: Path, data: bytes) -> dict[str, str]:
    """Each member's name with its text, or with the reason why it is not taken."""
    path.write_bytes(data)
    return {
        one.name: b"".join(one.chunks()).decode() if isinstance(one, Member) else one.reason
        for one in members(path)
    }


def test_members_are_named_with_their_folders(tmp_path: Path) -> None:
    parts = {"help/returns.md": "# Returns", "help/.DS_Store": "x", "__MACOSX/a.md": "x"}
    assert found_in(tmp_path / "a.zip", zipped(dict(parts))) == {"help – returns.md": "# Returns"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("../escaped.txt", "x", "leads out"),
        ("/escaped.txt", "x", "leads out"),
        ("C:\\escaped.txt", "x", "leads out"),
        ("inner.zip", "x", "ZIP within a ZIP"),
        ("setup.exe", "x", "cannot be read"),
        ("photo.pdf", "\x89PNG", "not the right type"),
        ("empty.txt", "", "empty"),
    ],
)
def test_a_member_that_is_not_taken_says_why(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    told = found_in(tmp_path / "a.zip", zipped({name: content, "ok.txt": "fine"}))
    assert told.pop("ok.txt") == "fine"
    assert [reason in why for why in told.values()] == [True]


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    many = {f"{number}.txt": "x" for number in range(MOST_MEMBERS + 1)}
    with pytest.raises(Unreadable, match="Send it in parts"):
        found_in(tmp_path / "a.zip", zipped(dict(many)))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="unpacks to far more"):
        found_in(tmp_path / "a.zip", zipped({"a.txt": b"0" * 250_000_000}))


def zip64(data: bytes, *, listed: int = 0, end: bytes = b"PK\x06\x06") -> bytes:
    """The same archive as a program writes it that did not know how large it would be."""
    at = data.rfind(b"PK\x05\x06")
    count, size, start = struct.unpack("<10xHII", data[at : at + 20])
    sizes = (count, count, listed or size, start)
    record = struct.pack("<4sQHHIIQQQQ", end, 44, 45, 45, 0, 0, *sizes)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    return data[:at] + record + locator + last


def test_an_archive_made_for_large_files_is_taken(tmp_path: Path) -> None:
    parts: dict[str, str | bytes] = {"a.txt": "We open at nine.", "b.txt": "We close at six."}
    assert found_in(tmp_path / "a.zip", zip64(zipped(parts))) == parts


@pytest.mark.parametrize(
    "listed", [MOST_DIRECTORY_BYTES + 1, 2**64 - 1], ids=["too long", "endless"]
)
def test_such_an_archive_with_too_long_a_list_is_refused(tmp_path: Path, listed: int) -> None:
    data = zip64(zipped({"a.txt": "x"}), listed=listed)
    with pytest.raises(Unreadable, match="unpacks to far more"):
        found_in(tmp_path / "a.zip", data)
    # Also where it only stands in the place that is named, and another one stands beside.
    inner = zip64(zipped({"a.txt": "x"}))
    at, named = inner.rfind(b"PK\x06\x07"), data.rfind(b"PK\x06\x06")
    both = data[: named + 56] + inner[at - 56 :]
    with pytest.raises(Unreadable, match="unpacks to far more"):
        found_in(tmp_path / "b.zip", both)


def test_such_an_archive_without_its_end_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        found_in(tmp_path / "a.zip", zip64(zipped({"a.txt": "x"}), end=b"PK??"))


def test_the_list_is_measured_by_the_end_that_is_read(tmp_path: Path) -> None:
    """Not by one that seems to begin within it."""
    data = bytearray(zipped({"a.txt": "x"}))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = b"PK\x05\x06"
    with pytest.raises(Unreadable, match="unpacks to far more"):
        found_in(tmp_path / "a.zip", bytes(data))


def test_a_member_that_unpacks_to_other_than_it_says_is_damaged(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": "some words " * 50}))
    data[60] ^= 0xFF
    with pytest.raises(Unreadable, match="damaged"):
        found_in(tmp_path / "a.zip", bytes(data))


@pytest.mark.parametrize("data", [b"PK\x05\x06" + bytes(18), b"PK\x03\x04 nothing"])
def test_an_archive_of_nothing_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Unreadable):
        found_in(tmp_path / "a.zip", data)


def test_a_locked_member_asks_for_one_without_a_password(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": "secret"}))
    central = data.rfind(b"PK\x01\x02")
    data[central + 8] |= 1
    assert "password" in found_in(tmp_path / "a.zip", bytes(data))["a.txt"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/./b.txt", "a – b.txt"),
        ("a\\b.txt", "a – b.txt"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("..", ""),
        ("x" * 400 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe
