"""A real Chroma server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.services.net import HOST, free_port, http_status
from tests.services.process import Service, program


class Chroma(Service):
    """`chroma run` on loopback; `kill()` and `start()` keep its port and its data."""

    def __init__(self, *, open_collections: int = 1000, directory: Path | None = None) -> None:
        # Its own HOME: the command line tool keeps a profile there.
        super().__init__("chroma", directory=directory)
        self.env["HOME"] = str(self.directory)
        self.port = free_port()
        self.open_collections = open_collections

    @property
    def url(self) -> str:
        """The address for CHROMA_URL."""
        return f"http://{HOST}:{self.port}"

    @property
    def data(self) -> Path:
        """Where it keeps its collections."""
        return self.directory / "data"

    def wipe(self) -> None:
        """Lose all data, as with a new disk; a running server runs again afterwards, empty."""
        was_alive = self.alive
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        if was_alive:
            self.start()

    def prepare(self) -> None:
        """Write its configuration; without one it listens on every address."""
        self._config.write_text(json.dumps(self._settings()))  # JSON is YAML

    def command(self) -> list[str]:
        """Everything is in the configuration file."""
        return [program("chroma"), "run", str(self._config)]

    def ready(self) -> bool:
        """Whether its heartbeat answers."""
        return http_status(self.port, "/api/v2/heartbeat") == 200

    @property
    def _config(self) -> Path:
        return self.directory / "chroma.yaml"

    def _settings(self) -> dict[str, object]:
        pool = {"lru": {"capacity": self.open_collections}}
        return {
            "listen_address": HOST,
            "port": self.port,
            "persist_path": str(self.data),
            "segment_manager": {"hnsw_index_pool_cache_config": pool},
        }
