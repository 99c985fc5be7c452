"""How much memory a process has ever held."""

from __future__ import annotations

import re
from pathlib import Path


def peak_megabytes(pid: int) -> float:
    """The most that was resident at once since it started, or since `forget_peak`."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    assert found, text
    return int(found[1]) / 1024


def forget_peak(pid: int) -> float:
    """Begin anew from what is resident now, and say how much that is."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_megabytes(pid)
