"""Start a process that reads one file, from a server that is kept for the next one."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

PROJECT = Path(__file__).resolve().parent.parent.parent
# What the process is told of the world around it: no setting, no key.
PASSED_ON = ("PATH", "LANG", "TMPDIR", "TESSDATA_PREFIX", "LD_LIBRARY_PATH")
START_SECONDS = 60.0  # of a machine that is busy with other things
MOST_ANSWER_BYTES = 1024


class ServerGone(Exception):
    """The server ended: it had been idle, or somebody killed it."""


@dataclass
class _Server:
    """One reading_server; it does one job at a time."""

    process: subprocess.Popen[bytes]
    asks: socket.socket

    @classmethod
    def start(cls) -> Self:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "knowledge.engine.reading_server"],
                cwd=PROJECT,
                env=env | {"PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "1"},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        ours.settimeout(START_SECONDS)
        return cls(process, ours)

    def begin(self, job: bytes, fds: Sequence[int]) -> int:
        """The id of the process that does the job. Raises ServerGone."""
        try:
            socket.send_fds(self.asks, [job], fds)
        except OSError as error:
            raise ServerGone from error
        return self.answer()

    def answer(self) -> int:
        try:
            told = self.asks.recv(MOST_ANSWER_BYTES)
        except OSError as error:
            raise ServerGone from error
        if not told:
            raise ServerGone
        return int(json.loads(told))

    def end(self) -> None:
        self.asks.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


class Child:
    """The process that reads a file; `out` is the end of the pipe that it writes to.

    What it complains of goes to `said`; `given` is its standard input, which is empty without it.
    """

    def __init__(
        self, job: dict[str, Any], said: IO[bytes], given: IO[bytes] | None = None
    ) -> None:
        read_end, write_end = os.pipe()
        self.out = os.fdopen(read_end, "rb", buffering=0)
        self._code: int | None = None
        fds = [write_end, said.fileno(), *([given.fileno()] if given else [])]
        try:
            self._server, self.pid = _begun(json.dumps(job).encode(), fds)
        except BaseException:
            self.out.close()
            raise
        finally:
            os.close(write_end)

    def code(self) -> int:
        """Its exit code, once it ended; negative for a signal. Raises ServerGone."""
        if self._code is None:
            self._code = self._server.answer()
        return self._code

    def end(self) -> None:
        """It and all that it started are gone; its server waits for the next job."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.out.close()
        try:
            self.code()
        except ServerGone:
            self._server.end()
        else:
            _put_back(self._server)


_idle = defaultdict[int, list[_Server]](list)  # by process: after a fork they answer the parent
_lock = threading.Lock()


def _begun(job: bytes, fds: Sequence[int]) -> tuple[_Server, int]:
    while (server := _taken()) is not None:
        try:
            return server, server.begin(job, fds)
        except ServerGone:
            server.end()
    server = _Server.start()
    return server, server.begin(job, fds)


def _taken() -> _Server | None:
    with _lock:
        idle = _idle[os.getpid()]
        return idle.pop() if idle else None


def _put_back(server: _Server) -> None:
    with _lock:
        _idle[os.getpid()].append(server)


@atexit.register
def end_idle() -> None:
    """The servers that wait for a file are gone; the next file starts one."""
    while (server := _taken()) is not None:
        server.end()
