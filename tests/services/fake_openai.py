"""The fake model server in a process of its own, so that it shares no GIL with a measurement."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.services.net import HOST, free_port, http_status
from tests.services.process import ROOT, Service

# A proxy in the environment must not be asked for loopback.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class FakeOpenAIProcess(Service):
    """`python -m tests.fakes.openai_server`; scripted over its control API."""

    def __init__(self, *, tokens: int | None = None, rate: float = 0.0) -> None:
        super().__init__("fake-openai")
        self.port = free_port()
        self.tokens = tokens
        self.rate = rate

    @property
    def url(self) -> str:
        """The address for OPENAI_BASE_URL."""
        return f"http://{HOST}:{self.port}/v1"

    @property
    def cwd(self) -> Path:
        """The root: it is a module of this project."""
        return ROOT

    def command(self) -> list[str]:
        """Quoting answers, or benchmark answers of `tokens` tokens."""
        tokens = [] if self.tokens is None else ["--tokens", str(self.tokens)]
        module = [sys.executable, "-m", "tests.fakes.openai_server"]
        return [*module, "--port", str(self.port), "--rate", str(self.rate), *tokens]

    def ready(self) -> bool:
        """Whether it answers."""
        return http_status(self.port, "/_requests") == 200

    def control(self, **order: Any) -> None:
        """Queue a behaviour: `control(answer="Yes.")`, `control(fail={"status": 429}, times=2)`."""
        self._call("/_control", json.dumps(order).encode())

    def requests(self) -> list[dict[str, Any]]:
        """What it was asked, oldest first."""
        return list(self._call("/_requests")["requests"])

    def open_streams(self) -> int:
        """How many chat completions it is answering now."""
        return int(self._call("/_requests")["open_streams"])

    def _call(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        address = f"http://{HOST}:{self.port}{path}"
        with _opener.open(address, data=body, timeout=10) as response:
            return dict(json.load(response))
