"""Loopback ports, and the smallest HTTP probe."""

from __future__ import annotations

import http.client
import random
import socket

HOST = "127.0.0.1"

# Below the kernel's ephemeral range: an outgoing connection can never take the port
# of a server that a test has just killed and is about to start again.
PORTS = range(20_000, 32_000)

_handed_out: set[int] = set()


def free_port() -> int:
    """A loopback port that nobody listens on and that this process has not handed out before."""
    for port in random.sample(PORTS, k=len(PORTS)):
        if port not in _handed_out and _can_bind(port):
            _handed_out.add(port)
            return port
    raise OSError("no free port on loopback")


def http_status(port: int, path: str, timeout: float = 2.0) -> int | None:
    """The status that `GET path` answers, or None when nothing speaks HTTP there."""
    # http.client and not urllib: a proxy in the environment must not be asked for loopback.
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
