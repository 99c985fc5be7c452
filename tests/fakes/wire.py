"""A server on loopback that says exactly the bytes it is told to, however wrong they are."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self

from tests.services.net import free_port

Script = Callable[[bytes], Iterable[bytes]]


def page(body: bytes | str = "<p>Hello</p>", *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    data = body.encode() if isinstance(body, str) else body
    kind = () if any(one.lower().startswith("content-type") for one in headers) else ("text/html",)
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(data)}",
        *(f"Content-Type: {one}; charset=utf-8" for one in kind),
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def redirect(to: str, status: str = "302 Found") -> bytes:
    return page(b"", f"Location: {to}", status=status)


class WireServer:
    """Answers each connection with what `script(request)` yields; a context manager.

    `requests` are the heads that it got; `connections` counts also those that said nothing.
    """

    def __init__(
        self,
        script: Script = lambda _: [page()],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.script = script
        self.host = host
        self.port = port or free_port()
        self.requests: list[bytes] = []
        self.connections = 0
        self.names: list[str] = []
        self.trust: ssl.SSLContext | None = None
        self._tls = tls
        self._open = True

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._socket.bind((self.host, self.port))
        self._socket.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def pause(self, seconds: float) -> None:
        """For scripts that drip: returns early when the server is closed."""
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:
            time.sleep(0.01)

    @property
    def is_open(self) -> bool:
        return self._open

    def _accept(self) -> None:
        while self._open:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            request = b""
            while b"\r\n\r\n" not in request:
                data = connection.recv(65_536)
                if not data:
                    return
                request += data
            self.requests.append(request)
            for piece in self.script(request):
                connection.sendall(piece)
            connection.close()
