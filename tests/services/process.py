"""The base of all services: one program in its own process group, with a log and a directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypedDict

import psutil

from tests.services.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]

# What a child gets from us besides its own settings: the developer's environment stays outside.
INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")


GUARD = 'read _; kill -9 "-$1"; [ -z "$2" ] || rm -rf -- "$2"'


class ServiceError(RuntimeError):
    """A service did not start; the message ends with the tail of its log."""


class _User(TypedDict, total=False):
    user: str
    group: int
    extra_groups: list[int]


class Service(ABC):
    """A real program; a context manager that starts it and leaves nothing behind."""

    start_timeout = 60.0
    stop_timeout = 10.0
    stop_signal = signal.SIGTERM
    run_as: str | None = None

    def __init__(
        self, name: str, *, env: Mapping[str, str] | None = None, directory: Path | None = None
    ) -> None:
        self.name = name
        self.env = dict(env or {})
        self._temporary = None if directory else _temporary_directory(name)
        self.directory = directory or Path(self._temporary.name if self._temporary else "")
        self.log = self.directory / f"{name}.log"
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def ready(self) -> bool:
        """Ask once, quickly, whether the program does its work."""

    def prepare(self) -> None:  # noqa: B027 - most programs need nothing
        """Lay out what the program needs before its first start."""

    @property
    def cwd(self) -> Path:
        """Where the program runs: its own directory, so that it finds no stray settings file."""
        return self.directory

    @property
    def alive(self) -> bool:
        """Whether the program runs (also while it is paused)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        if self._process is None:
            raise ServiceError(f"{self.name} was not started")
        return self._process.pid

    def start(self) -> None:
        """Start the program and return when it is ready; after `kill()` on the same data."""
        if self.alive:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self._spawn()
        try:
            self.wait_ready()
        except BaseException:  # also Ctrl-C while it starts: nothing may be left behind
            self.kill()
            raise

    def wait_ready(self, timeout: float | None = None) -> None:
        """Return when the program is ready; raise ServiceError with its log when it is not."""
        seconds = self.start_timeout if timeout is None else timeout
        with self._explained(f"was not ready after {seconds:g} s"):
            wait_until(lambda: not self.alive or self.ready(), seconds)
        if not self.alive:
            raise ServiceError(self._story(f"ended with {self._exit_code()} instead of starting"))

    def wait_for_log(self, text: str, timeout: float | None = None) -> None:
        """Return when the log of this run contains `text`."""
        seconds = self.start_timeout if timeout is None else timeout
        with self._explained(f"did not log {text!r} within {seconds:g} s"):
            wait_until(lambda: self.logged(text), seconds)

    def logged(self, text: str) -> bool:
        """Whether the log of this run contains `text`."""
        return text in self.log_text()

    def log_text(self) -> str:
        """What the program wrote since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def log_tail(self, lines: int = 40) -> str:
        """The last lines that the program wrote since its last start."""
        return "\n".join(self.log_text().splitlines()[-lines:])

    def stop(self) -> None:
        """Ask the program to end, wait, then make sure of its whole group."""
        if self._process is not None and self.alive:
            self._signal(signal.SIGCONT)
            # Only the leader: Celery's children would die of it before they finish their task.
            self._process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self.stop_timeout)
        self.kill()

    def kill(self) -> None:
        """SIGKILL the program and all its children, as a power cut would."""
        if self._process is None:
            return
        family = self._descendants()
        self._signal(signal.SIGKILL)
        self._process.wait()
        # A PostgreSQL whose backends still hold its shared memory does not start again.
        with suppress(TimeoutError):
            wait_until(lambda: all(is_gone(child) for child in family), self.stop_timeout)
        self._dismiss_guard()
        self._process = None

    def restart(self) -> None:
        """Stop and start on the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the program: it accepts connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused program go on."""
        self._signal(signal.SIGCONT)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Freeze the program for the length of a block."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def close(self) -> None:
        """Stop the program and remove its temporary directory."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spawn(self) -> None:
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.cwd,
                env=child_env(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **as_user(self.run_as),
            )
        litter = self._temporary.name if self._temporary else ""
        self._guard = _start_guard(self._process.pid, litter)

    def _signal(self, number: signal.Signals) -> None:
        family = self._descendants()
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        # PostgreSQL's backends each lead a session of their own, out of the group's reach.
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.send_signal(number)

    def _descendants(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.pid).children(recursive=True))
        return []

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise ServiceError(self._story(what)) from error

    def _story(self, what: str) -> str:
        return f"{self.name} {what}\n$ {' '.join(self.command())}\n{self.log_tail()}"

    def _exit_code(self) -> str:
        return "nothing" if self._process is None else f"exit code {self._process.returncode}"


def child_env(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: a few names of ours, then `env`."""
    ours = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**ours, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", **env}


def as_user(name: str | None) -> _User:
    """The arguments that make subprocess run a program as another user."""
    if name is None:
        return {}
    import pwd  # noqa: PLC0415 - exists on Unix only

    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def program(name: str) -> str:
    """A command that pip installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def _temporary_directory(name: str) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True)


def _start_guard(group: int, litter: str) -> subprocess.Popen[bytes]:
    """A shell that kills the group and removes `litter` when this process ends, even by SIGKILL."""
    # Its standard input closes with us. PR_SET_PDEATHSIG would fire when a mere thread ends.
    return subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "guard", str(group), litter],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended (a zombie that nobody has reaped counts as ended)."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
