"""What one file may cost, whoever sent it."""

from __future__ import annotations

import resource
from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the process that reads one file.

    `memory` in bytes is its own data; `addresses` also what it maps of files. `cpu` and `wall` in
    seconds until the text is read; `pause` until each next passage comes. `scratch`: bytes of any
    one file that it may write.
    """

    memory: int = 1024 * MEGABYTE
    addresses: int = 6144 * MEGABYTE
    cpu: int = 120
    wall: int = 300
    pause: int = 60
    scratch: int = 64 * MEGABYTE

    def for_bytes(self, size: int) -> Limits:
        """More time for a larger file: two seconds a megabyte."""
        more = 2 * size // MEGABYTE
        return Limits(
            self.memory,
            self.addresses,
            self.cpu + more,
            self.wall + 2 * more,
            self.pause,
            self.scratch,
        )

    def impose(self) -> None:
        """On this process and all that it starts, for good."""
        resource.setrlimit(resource.RLIMIT_DATA, (self.memory, self.memory))
        resource.setrlimit(resource.RLIMIT_AS, (self.addresses, self.addresses))
        resource.setrlimit(resource.RLIMIT_CPU, (self.cpu, self.cpu + 5))
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.scratch, self.scratch))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
