"""The whole product as `make run` starts it: one supervisor with everything below it."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path

import httpx
import psutil

from tests.services.process import ROOT, Service


class MakeRun(Service):
    """`python -m chatbot_saas.run` in a folder of its own, on ports of its own."""

    start_timeout = 120.0
    stop_timeout = 30.0
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, **env: str) -> None:
        self.port = free_pair()
        own = {"VAR_DIR": str(folder), "PORT": str(self.port)}
        super().__init__("installation", env=own | env, directory=folder)

    @property
    def cwd(self) -> Path:
        return ROOT

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "chatbot_saas.run"]

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def parts(self, word: str) -> list[psutil.Process]:
        return [one for one in self._descendants() if word in command_of(one)]


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def free_pair() -> int:
    """A web port whose Chroma port is free too."""
    for port in range(8300, 8800, 7):
        if all(is_free(one) for one in (port, port + 100)):
            return port
    raise AssertionError("no free ports")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
