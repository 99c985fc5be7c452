"""What becomes of a file as an upload; as a program, also how large its readers grew.

`python -m tests.engine.outcomes FILE FOLDER` prints one line of JSON. It is a program because a
process counts as large as what started it: the peak of a child of pytest is at least pytest's own.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.engine.archive import Member, members
from knowledge.engine.detect import HEAD_BYTES, WrongType, format_of
from knowledge.engine.errors import Unreadable
from knowledge.engine.reading_processes import end_idle
from knowledge.engine.sandbox import reading


@dataclass
class Outcome:
    """What became of a file: passages, or the reason why there are none."""

    texts: list[str] = field(default_factory=list)
    reason: str = ""

    @property
    def state(self) -> str:
        return "ready" if self.texts else "failed"

    @property
    def said(self) -> str:
        return "\n".join(self.texts) or self.reason


def outcome_of(path: Path, folder: Path) -> Outcome:
    """As the product treats an upload: the type by its head, an archive's members one by one."""
    try:
        with path.open("rb") as file:
            found = format_of(path.name, file.read(HEAD_BYTES))
        if found == "zip":
            return _of_archive(path, folder)
        with reading(path, found, title=path.stem) as text:
            return Outcome([piece.text for piece in text.pieces])
    except (Unreadable, WrongType) as error:
        return Outcome(reason=str(error))


def _of_archive(path: Path, folder: Path) -> Outcome:
    whole = Outcome()
    for number, member in enumerate(members(path)):
        if not isinstance(member, Member):
            whole.reason += f"{member.name}: {member.reason}\n"
            continue
        inner = folder / f"{number}-{member.name}"
        inner.write_bytes(b"".join(member.chunks()))
        one = outcome_of(inner, folder)
        whole.texts += one.texts
        whole.reason += one.reason
    return whole


def main(path: str, folder: str) -> None:
    found = outcome_of(Path(path), Path(folder))
    end_idle()  # what a reader took is known once the server that started it has ended
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps({"state": found.state, "said": found.said[:300], "peak": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
